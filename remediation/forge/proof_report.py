"""What our own trial showed, beside the commit: a check run, or a commit status where a token may make no check run.

GitHub lets only Apps make check runs; a personal token's report is a status: a state and one line.
API: https://docs.github.com/rest/checks/runs, https://docs.github.com/rest/commits/statuses
"""

from cases.marks import ProofReport
from cases.steps import Receipt
from remediation.forge.answers import Answered, read
from remediation.forge.github import GithubApi
from remediation.forge.repository import ForgeRepository

OWN_CHECK = "Trackwalker: proof"
OWN_CONTEXT = "trackwalker/proof"
LONGEST_LINE = 140  # characters of a status's description
LONGEST_TEXT = 65_000  # GitHub takes 65,535 of a summary
LONGEST_TITLE = 250


class _Run(Answered):
    external_id: str | None = None


class _Runs(Answered):
    check_runs: tuple[_Run, ...]


class _Status(Answered):
    state: str
    context: str
    description: str | None = None


class _Combined(Answered):
    statuses: tuple[_Status, ...]


def report_proof(api: GithubApi, repository: ForgeRepository, sha: str, report: ProofReport) -> Receipt:
    """Show it, or adopt the one of that key. facts: `sha`, and `as`: "check run" or "commit status".

    What was not proved is a neutral check run, and a status that stays pending: neither is a pass.
    """
    shown = _check_run if api.is_app else _status
    kind = "check run" if api.is_app else "commit status"
    adopted = shown(api, repository, sha, report)
    return Receipt(key=report.key, adopted=adopted, facts={"sha": sha, "as": kind})


def _check_run(api: GithubApi, repository: ForgeRepository, sha: str, report: ProofReport) -> bool:
    what = f"our check run on {sha[:10]} in {repository.full_name}"
    path = f"/repos/{repository.full_name}"
    heard = api.heard(what, f"{path}/commits/{sha}/check-runs", {"check_name": OWN_CHECK, "per_page": 100})
    if any(run.external_id == report.key for run in read(_Runs, what, heard.content).check_runs):
        return True
    body = {
        "name": OWN_CHECK,
        "head_sha": sha,
        "external_id": report.key,
        "status": "completed",
        "conclusion": "success" if report.proved else "neutral",
        "output": {"title": report.title[:LONGEST_TITLE], "summary": report.text[:LONGEST_TEXT]},
    }
    api.write(f"making {what}", "POST", f"{path}/check-runs", body)
    return False


def _status(api: GithubApi, repository: ForgeRepository, sha: str, report: ProofReport) -> bool:
    what = f"our status of {sha[:10]} in {repository.full_name}"
    path = f"/repos/{repository.full_name}"
    state, line = "success" if report.proved else "pending", report.title[:LONGEST_LINE]
    wanted = _Status(state=state, context=OWN_CONTEXT, description=line)
    heard = api.heard(what, f"{path}/commits/{sha}/status", {"per_page": 100})
    if wanted in read(_Combined, what, heard.content).statuses:
        return True
    api.write(f"making {what}", "POST", f"{path}/statuses/{sha}", wanted.model_dump())
    return False
