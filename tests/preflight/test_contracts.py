"""What the active tests have told becomes checks of the preflight, and findings of their rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from builders import event, signals_of
from preflightkit import Given, fly, named

from trainadvisor.changes.contracts import all_contracts
from trainadvisor.judge.rule_loading import load
from trainadvisor.preflight.contracts import listed

if TYPE_CHECKING:
    from pathlib import Path

LOSSES = [1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.45, 0.4]
MIXED = {"state": "failed", "way": "", "figures": {"others": 15, "touched": 15, "layer": None, "share": 0.5}}
ALIKE = {"state": "failed", "way": "", "figures": {"share": 0.0}}
UNTESTED = {"state": "untested", "reason": "the batch holds one example", "reason_zh": "批次中只有一个样本"}


def _flown(folder: Path, test: str, detail: dict[str, Any], **wish: Any) -> Any:
    columns = {"loss": LOSSES, "lr": 0.01, "loss_id": 0}
    given = Given(folder, natural={"columns": columns, "events": [event("contract", detail, test)]})
    return fly(given, experiments=False, **wish)


def test_a_failed_test_fails_the_preflight_as_a_finding(tmp_path: Path) -> None:
    """The check names the rule, and the rule is found."""
    result = _flown(tmp_path, "independence", MIXED)
    check = named(result, "independence")
    assert (check.state, check.severity, check.findings) == ("failed", "error", ["batch-mixing"])
    assert "15 of the 15 others" in check.sentence
    assert result.outcome == "fail"
    assert "batch-mixing" in [item.code for item in result.diagnosis.walk()]


def test_what_need_not_be_a_fault_is_told_and_passes(tmp_path: Path) -> None:
    """A model that is blind to order may be meant so."""
    check = named(_flown(tmp_path, "order-used", ALIKE), "order-used")
    assert (check.state, check.severity, check.findings) == ("passed", "note", [])
    assert "blind to order" in check.sentence


@pytest.mark.parametrize(("lang", "told"), [("en", "could not be tested: the batch holds one example"),
                                            ("zh", "无法测试：批次中只有一个样本")])  # fmt: skip
def test_what_could_not_be_tested_says_why(tmp_path: Path, lang: str, told: str) -> None:
    """The reason stands in the sentence, and nothing is judged."""
    result = _flown(tmp_path, "independence", UNTESTED, lang=lang)
    check = named(result, "independence")
    assert (check.state, check.sentence) == ("not-judged", told)
    assert "batch-mixing" not in [item.code for item in result.diagnosis.walk()]


def test_a_passed_test_shows_no_fault(tmp_path: Path) -> None:
    """The signals of the tests are zero where they were passed, and where none was made."""
    passed = signals_of(
        tmp_path, steps=4, events=[event("contract", {"state": "passed", "figures": {}}, "determinism")]
    )
    assert [passed[name] for name in ("dropped_by_test", "examples_mixed_by_test", "future_seen_by_test")] == [0.0] * 3


def test_every_test_is_listed_in_both_languages() -> None:
    """A line each, and not the same in both."""
    english, chinese = dict(listed("en")), dict(listed("zh"))
    assert list(english) == ["independence", "causality", "determinism", "input-used", "order-used", "scale"]
    assert all(chinese[name] not in ("", english[name]) for name in english)


def test_rules_name_tests_that_there_are() -> None:
    """And no two rules the same one."""
    named = [rule.contract for rule in load().rules.values() if rule.contract]
    assert sorted(named) == ["causality", "determinism", "independence", "input-used"]
    assert set(named) <= {entry.name for entry in all_contracts()}
