"""The decision of a gate as JSON: what failed and why, and how much room the diagnoses have."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from trainadvisor.gate import baseline
from trainadvisor.gate.decision import Policy, decide
from trainadvisor.judge.result import Diagnosis
from trainadvisor.report.machine import gate_document, json_document
from trainadvisor.requirements import parse
from trainadvisor.settings import Accepted


def run(*codes: str, state: str = "broken", **facts: Any) -> Diagnosis:
    """Return a diagnosis with errors of these codes."""
    base = {"family": "numerics", "kind": "cause", "sentence": "s" * 400, "severity": "error", "confidence": "certain"}
    found = [{**base, "code": code, "title": code} for code in codes]
    return Diagnosis.model_validate({"state": state, "summary": "s", "run": {"steps": 9, **facts}, "findings": found})


def document(runs: list[Diagnosis], policy: Policy, known: baseline.Baseline | None = None) -> dict[str, Any]:
    """Return the document of a decision."""
    decision = decide(runs, policy, known)
    found: dict[str, Any] = json.loads(gate_document.render(decision, decision.exit_code))
    return found


def test_what_failed_is_told_with_its_reason() -> None:
    """The codes of all runs once, and the figures that were missed."""
    policy = Policy(require=(parse("loss<1"), parse("val_loss<1")))
    told = document([run("b", "a", loss_final=2.0), run("a", loss_final=0.5)], policy)
    assert (told["outcome"], told["exit_code"], told["failing"], told["new"]) == ("fail", 1, ["a", "b"], [])
    assert told["exit_reason"] == "a, b; loss<1"
    assert told["required"] == [
        {"text": "loss<1", "value": 2.0, "holds": False},
        {"text": "val_loss<1", "value": None, "holds": None},
        {"text": "loss<1", "value": 0.5, "holds": True},
        {"text": "val_loss<1", "value": None, "holds": None},
    ]
    assert [[item["code"] for item in entry["items"]] for entry in told["runs"]] == [["b", "a"], ["a"]]
    assert document([run()], Policy())["exit_reason"] == "passed"
    undecided = document([run(state="cannot-tell"), run(steps=1)], Policy(min_steps=5))
    assert (undecided["outcome"], undecided["exit_reason"].count("; ")) == ("undecided", 1)


def test_what_is_new_fixed_and_expired_is_told() -> None:
    """Against a baseline."""
    policy = Policy(accept=(Accepted("a", "old", date(2026, 1, 1)),), today=date(2026, 1, 2))
    told = document([run("a", "b")], policy, baseline.make([run("a")]))
    assert (told["failing"], told["new"], told["fixed"], told["expired"]) == (["b"], ["b"], [], ["a"])
    assert told["runs"][0]["items"][1] == {"code": "b", "severity": "error", "status": "fail", "note": "new"}


def test_the_figures_of_the_median_are_told_once() -> None:
    """They are those of no single run."""
    policy = Policy(aggregate="median", require=(parse("loss<1"),))
    told = document([run(loss_final=value) for value in (0.5, 0.75, 9.0)], policy)
    assert told["required"] == [{"text": "loss<1", "value": 0.75, "holds": True}]


def test_the_room_is_shared_between_the_runs() -> None:
    """Without a bound nothing is left out; a document that is too long is written without spaces."""
    decision = decide([run(*(f"code-{n}" for n in range(30)))] * 2, Policy())
    whole = gate_document.render(decision, 1)
    assert [len(entry["diagnosis"]["findings"]) for entry in json.loads(whole)["runs"]] == [30, 30]
    assert "\n" in whole
    roomy = gate_document.render(decision, 1, len(whole.encode()) * 3)
    assert roomy == whole
    tight = gate_document.render(decision, 1, len(whole.encode()) * 2 // 3)
    assert [len(entry["diagnosis"]["findings"]) for entry in json.loads(tight)["runs"]] == [3, 3]
    assert "\n" in tight
    assert "\n" not in gate_document.render(decision, 1, 5_000)
    room = 4_000 + 2 * len(json_document.render(run("a")).encode())
    pair = decide([run("a")] * 2, Policy())
    for size, cut in ((room, False), (room - 1, True)):
        parts = [entry["diagnosis"] for entry in json.loads(gate_document.render(pair, 1, size))["runs"]]
        assert [part.get("truncated", False) for part in parts] == [cut, cut]


def test_a_document_that_is_too_long_loses_the_least_important_first() -> None:
    """Reasons and curves, then hints, details of consequences, further findings, and what is unknown."""
    base = {"subjects": list(range(12)), "ruled_out": [1], "not_judged": [2], "evidence": [3], "remedies": [4],
            "cause": "c", "verify": "v", "sentence": "s"}  # fmt: skip
    whole = {
        "findings": [{**base, "explains": [{**base, "explains": []}] * 12} for _ in range(4)],
        "run": {"loss_curve": [1], "argv": ["x"], "steps": 9},
        "unknown": [{"code": "a", "missing": ["b"], "how": "c"}],
        "notes": ["1", "2", "3", "4"],
    }  # fmt: skip
    document: dict[str, Any] = json.loads(json.dumps(whole))
    reasons, hints, details, findings, unknown = json_document.SHORTER
    reasons(document)
    shorter = {**base, "ruled_out": [], "not_judged": [], "subjects": list(range(10))}
    assert document["findings"][3] == {**shorter, "explains": [{**shorter, "explains": []}] * 12}
    assert document["run"] == {"steps": 9}
    hints(document)
    assert (document["unknown"], document["notes"]) == ([{"code": "a", "missing": [], "how": ""}], ["1", "2", "3"])
    details(document)
    named = {**shorter, "evidence": [], "remedies": [], "cause": "", "verify": "", "sentence": "", "explains": []}
    assert document["findings"][0] == {**shorter, "explains": [named] * 12}
    findings(document)
    assert [len(finding["explains"]) for finding in document["findings"]] == [10, 10, 10]
    unknown(document)
    assert document["unknown"] == []
