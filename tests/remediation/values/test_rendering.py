"""Whether a change of configuration reaches what runs, and nothing else."""

from dataclasses import replace

import pytest

from cases.trying import CommandReport
from cases.verdict import Verdict
from remediation.values.edit import set_value
from remediation.values.rendering import Intended, Rendered, file_check, intended, render_check, rendered_differences
from tests.remediation.values.files import HELM, PACKAGE

RENDERED = """\
---
# Source: shop/templates/deployment.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop, namespace: prod, labels: {app.kubernetes.io/version: "sha-bad0000"}}
spec:
  replicas: 2
  template:
    metadata:
      annotations: {checksum/config: 1111111111111111}
    spec:
      containers:
        - image: "acme/shop:sha-bad0000"
          env: [{name: POOL_SIZE, value: "2"}, {name: OTHER, value: "2.5"}]
---
kind: ConfigMap
metadata: {name: shop}
data:
  app.yaml: |
    pool: {size: 2, wait: 20}
    port: 8022
"""
TAG = (Intended(old="sha-bad0000", new="sha-600d000"),)
POOL = (Intended(old="2", new="20"),)


def ran(output: str, code: int | None = 0, ended: str = "exited") -> CommandReport:
    return CommandReport(name="render", exit_code=code, ended=ended, output=output, seconds=0.5)


def test_differences_are_fields_of_documents() -> None:
    assert rendered_differences(RENDERED, RENDERED.replace("replicas: 2", "replicas: 4")) == (
        Rendered(place="Deployment/prod/shop:.spec.replicas", old="2", new="4"),
    )
    shuffled = "---\n".join(["", *reversed(RENDERED.split("---\n")[1:])])
    assert rendered_differences(RENDERED, shuffled) == ()
    gone = RENDERED[: RENDERED.rindex("---")]
    assert [field.place for field in rendered_differences(RENDERED, gone)] == ["ConfigMap//shop was removed"]


def test_a_tag_may_show_wherever_it_is_rendered() -> None:
    check = render_check(ran(RENDERED), ran(RENDERED.replace("sha-bad0000", "sha-600d000")), TAG)
    assert (check.verdict, check.base, check.change, check.seconds) == (
        Verdict.PASSED,
        "rendered",
        "2 fields differ",
        1,
    )
    assert "Deployment/prod/shop:.spec.template.spec.containers(0).image" in check.detail


def test_a_value_may_show_inside_a_file_and_its_checksum_follows() -> None:
    changed = (
        RENDERED.replace('value: "2"}', 'value: "20"}').replace("size: 2,", "size: 20,").replace("1" * 16, "2" * 16)
    )
    check = render_check(ran(RENDERED), ran(changed), POOL)
    assert (check.verdict, check.change) == (Verdict.PASSED, "3 fields differ")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("replicas: 2", "replicas: 3"),
        ('value: "2.5"', 'value: "20.5"'),
        ("wait: 20", "wait: 200"),
        ("port: 8022", "port: 80220"),
        ("kind: ConfigMap", "kind: Secret"),
        ("    port: 8022\n", ""),
    ],
)
def test_anything_else_fails_and_is_named(old: str, new: str) -> None:
    changed = RENDERED.replace('value: "2"}', 'value: "20"}').replace(old, new)
    check = render_check(ran(RENDERED), ran(changed), POOL)
    assert check.verdict is Verdict.FAILED
    assert "more than meant" in check.detail


def test_a_value_that_reaches_nothing_fails() -> None:
    check = render_check(ran(RENDERED), ran(RENDERED), TAG)
    assert (check.verdict, check.detail) == (
        Verdict.FAILED,
        "nothing differs: the value reaches nothing that is rendered",
    )


def test_what_differs_from_run_to_run_is_left_out() -> None:
    def with_secret(text: str) -> str:
        return f"{RENDERED}---\nkind: Secret\nmetadata: {{name: s}}\ndata: {{x: {text}}}\n"

    changed = with_secret("bbb").replace("sha-bad0000", "sha-600d000")
    base, change, again = ran(with_secret("aaa")), ran(changed), ran(with_secret("ccc"))
    assert render_check(base, change, TAG).verdict is Verdict.FAILED
    check = render_check(base, change, TAG, again)
    assert check.verdict is Verdict.PASSED
    assert "differ from run to run: Secret//s:.data.x" in check.detail


@pytest.mark.parametrize(
    ("base", "change", "verdict", "said"),
    [
        (ran("", 1), ran(RENDERED), Verdict.ERROR, "rendering fails on base already"),
        (ran("", None, "timed out"), ran(RENDERED), Verdict.ERROR, "could not run"),
        (ran(RENDERED), ran("", None, "out of memory"), Verdict.ERROR, "could not run"),
        (ran(RENDERED), ran("Error: no key\n", 1), Verdict.FAILED, "fails with the change: Error: no key"),
        (ran("[9 bytes before this were left out]\na: 1\n"), ran("a: 2\n"), Verdict.INCONCLUSIVE, "more was rendered"),
        (ran("not: [yaml"), ran("a: 2\n"), Verdict.INCONCLUSIVE, "not readable as YAML"),
        (ran("a: 1\na: 2\n"), ran("a: 2\n"), Verdict.INCONCLUSIVE, "twice"),
    ],
)
def test_what_could_not_be_compared_is_no_pass(
    base: CommandReport, change: CommandReport, verdict: Verdict, said: str
) -> None:
    check = render_check(base, change, TAG)
    assert check.verdict is verdict
    assert said in check.detail


def test_warnings_above_the_first_document_are_no_part_of_it() -> None:
    loud = ran(f"WARNING: Kubernetes configuration file is group-readable\n{RENDERED}")
    changed = ran(RENDERED.replace("sha-bad0000", "sha-600d000"))
    assert render_check(loud, changed, TAG).verdict is Verdict.PASSED
    first = ran(f"a: 1\n{RENDERED}")
    assert render_check(first, replace(changed, output=f"a: 2\n{changed.output}"), TAG).verdict is Verdict.FAILED


def test_without_a_command_the_file_itself_is_compared() -> None:
    after = set_value(HELM, "v.yaml", ".image.tag", "sha-600d000")
    meant = intended(HELM, after, "v.yaml")
    assert meant == (Intended(old="sha-1a2b3c4", new="sha-600d000"),)
    assert file_check(HELM, after, "v.yaml", meant).verdict is Verdict.PASSED
    more = set_value(after, "v.yaml", ".replicaCount", 3)
    assert file_check(HELM, more, "v.yaml", meant).verdict is Verdict.FAILED
    assert file_check(HELM, HELM, "v.yaml", meant).verdict is Verdict.FAILED
    assert file_check(HELM, b"a: [", "v.yaml", meant).verdict is Verdict.INCONCLUSIVE


def test_of_an_image_the_tag_alone_is_meant_as_well() -> None:
    before = b"image: reg:5000/acme/shop:old\n"
    assert intended(before, before.replace(b"old", b"new"), "a.yaml") == (
        Intended(old="reg:5000/acme/shop:old", new="reg:5000/acme/shop:new"),
        Intended(old="old", new="new"),
    )
    changed = set_value(PACKAGE, "p.json", ".private", new=False)
    assert intended(PACKAGE, changed, "p.json") == (Intended(old="true", new="false"),)
