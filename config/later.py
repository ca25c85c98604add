"""What the contract of the file has and this version does not: refused by name, with what to do now."""

from collections.abc import Mapping

LEAVE_OUT = "leave it out"
_ALL_KINDS = "prometheus is the one kind of source so far"
_MARKERS = "use prometheus (a metric with the commit as a label) or merge"
_NO_MODEL = "write model: {provider: none}; playbooks need no model"
_LISTED = "list each query with name, service and query"

KEYS: Mapping[str, str] = {
    "include": "keep everything in one file",
    "catalog": "list services and repositories by hand",
    "schedule": LEAVE_OUT,
    **dict.fromkeys(
        (f"signals.{kind}" for kind in ("loki", "alertmanager", "sql", "mixpanel", "amplitude", "ga4", "posthog")),
        _ALL_KINDS,
    ),
    "signals.prometheus[].auth": "write headers: {Authorization: env:NAME}",
    "signals.prometheus[].tls": "put a proxy that ends TLS in front, or trust its authority in the system's store",
    "watch[].import": _LISTED,
    "watch[].match": _LISTED,
    "watch[].by": _LISTED,
    "watch[].slo": "watch the error ratio with a threshold",
    "services[].config": LEAVE_OUT,
    "repositories[].setup": "put the dependencies into sandbox.image",
    "repositories[].sandbox.companions": "let `test` choose the tests that need no other service",
    "deploys[].github_deployments": _MARKERS,
    "deploys[].webhook": _MARKERS,
    "forge.app": "write token: env:GITHUB_TOKEN",
    **dict.fromkeys((f"model.{key}" for key in ("base_url", "api_key", "diagnose", "draft", "failover")), _NO_MODEL),
    "sandbox.pool": LEAVE_OUT,
    "authority.file": "write default: observe, propose or pull_request",
    "budget.usd_per_day": "no model is asked, so no money is spent",
    "budget.usd_per_case": "no model is asked, so no money is spent",
    "budget.false_alerts_per_service_week": LEAVE_OUT,
    "alerts.routes": "every receiver is told of each case",
    "api.token": "let the API listen on 127.0.0.1 only",
    "runtime.address": LEAVE_OUT,
}
"""Keys, `[]` for any position, and what to do instead."""

VALUES: Mapping[str, Mapping[str, str]] = {
    "model.provider": dict.fromkeys(("anthropic", "openai", "ollama", "vllm", "scripted"), _NO_MODEL),
    "runtime.executor": dict.fromkeys(("processes", "dask"), "write executor: threads"),
    "authority.default": dict.fromkeys(("auto_merge", "auto-merge"), "auto-merge is only ever earned"),
    "alerts.mode": {"enrich": "write mode: direct"},
    "repositories[].forge": dict.fromkeys(("gitlab", "gitea", "forgejo", "bitbucket"), "write forge: github"),
    "sandbox.runtime": dict.fromkeys(("bubblewrap", "gvisor", "runsc", "podman"), "write runtime: docker"),
}
"""Values of keys that are there, and what to write instead."""


def place(loc: tuple[str | int, ...]) -> str:
    """A place with its positions forgotten, as the tables above have it: `watch[].harm`."""
    return "".join("[]" if isinstance(step, int) else f".{step}" for step in loc).removeprefix(".")
