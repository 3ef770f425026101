"""The exceptions from checkov: every one has a place and a reason, and both a new finding and an old excuse fail."""

import pytest

from infra import audit

ALLOWED = audit.exceptions()


@pytest.mark.parametrize("check", ALLOWED)
def test_an_exception_says_where_and_why(check):
    assert ALLOWED[check].keys() == {"on", "why"}
    assert len(ALLOWED[check]["why"]) > 60
    files = {on.split(":")[0] for on in ALLOWED[check]["on"]}
    known = {path.name for path in (audit.ROOT / "infra").glob("*.yaml")} | {"template.json", "*"}
    assert files <= known


def test_what_nobody_gave_a_reason_for_and_what_nothing_needs_are_both_told():
    allowed = {"CKV_1": {"on": ["main.yaml:*Queue", "edge.yaml:Distribution"], "why": "…"}}
    found = {
        ("CKV_1", "main.yaml:TimerQueue"),
        ("CKV_1", "main.yaml:Table"),
        ("CKV_2", "main.yaml:TimerQueue"),
    }
    assert audit.differences(found, allowed) == [
        "CKV_1 on main.yaml:Table: not allowed",
        "CKV_2 on main.yaml:TimerQueue: not allowed",
        "CKV_1 on edge.yaml:Distribution: allowed, and nothing needs it",
    ]
    assert (
        audit.differences({("CKV_1", "main.yaml:TimerQueue"), ("CKV_1", "edge.yaml:Distribution")}, allowed)
        == []
    )
