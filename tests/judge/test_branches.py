"""Branches of a rule: the first that holds is the finding's, with its own conditions, words and remedies."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from builders import build_log
from rulekit import RULE_FILE, rule, write_rule

from trainadvisor.configuration import Config
from trainadvisor.judge.branches import Branch
from trainadvisor.judge.engine import judge_rule
from trainadvisor.judge.rule_checks import check_rules
from trainadvisor.judge.rule_verdict import Verdict
from trainadvisor.judge.rulebook import Rulebook
from trainadvisor.telling import diagnose

LOW, FAST = Branch("low", ("y < 1",), unless=("fine",)), Branch("fast", ("z > 1",))
BRANCHED = RULE_FILE.replace(
    "[explains]",
    """
[[branches]]
name = "flat"
when = ["loss_drop > 0"]
[branches.en]
evidence = ["flat: {loss_drop:.3f}"]
[branches.zh]
evidence = ["\u5e73\u7684\uff1a{loss_drop:.3f}"]

[[branches]]
name = "rising"
when = ["loss_drop < 0"]
[branches.en]
finding = "The loss rises."
evidence = ["rising"]
[branches.zh]
finding = "\u635f\u5931\u4e0a\u5347\u3002"
evidence = ["\u4e0a\u5347"]
[[branches.remedies]]
change = "clip"
applies = "try"
en = "Clip."
zh = "\u88c1\u526a\u3002"

[explains]""",
).replace(
    """[[cases]]
is = "clear\"""",
    """[[cases]]
is = "found"
branch = "rising"
signals = { loss_drop = -0.2, steps = 100, loss_nonfinite = false, lr_first = 0.1 }

[[cases]]
is = "clear\"""",
)


def test_a_branch_has_a_severity_of_its_own() -> None:
    """Where it has none, that of the rule holds."""
    grave = rule(severity="error", branches=(LOW, replace(FAST, severity="note")))
    assert judge_rule(grave, {"x": 2, "y": 0, "fine": False, "z": 0}).severity == "error"
    assert judge_rule(grave, {"x": 2, "y": 2, "fine": False, "z": 2}).severity == "note"


def test_the_level_of_a_project_is_that_of_every_branch() -> None:
    """What a project sets for a rule goes before what the file says."""
    noted = rule(severity="error", branches=(replace(FAST, severity="note"),))
    book = Rulebook({noted.code: noted}).configured(Config(levels={noted.code: "warning"}))
    assert [variant.severity for variant in book.get(noted.code).variants] == ["warning"]


def verdict(**signals: Any) -> Verdict:
    """Judge a rule of two branches on signals."""
    return judge_rule(rule(branches=(LOW, FAST)), signals)


@pytest.mark.parametrize(
    ("signals", "state", "branch"),
    [
        ({"x": 2, "y": 0, "fine": False, "z": 2}, "found", "low"),
        ({"x": 2, "y": 0, "fine": True, "z": 2}, "found", "fast"),
        ({"x": 2, "z": 2}, "found", "fast"),
        ({"x": 2, "y": 2, "z": 0}, "clear", None),
        ({"x": 0}, "clear", None),
        ({"x": 2, "y": 2}, "unknown", None),
        ({"x": 2, "z": 0}, "unknown", None),
    ],
)
def test_the_first_branch_that_holds(signals: dict[str, Any], state: str, branch: str | None) -> None:
    """A branch needs its own lines and those of the rule; an open branch leaves the rule open unless another holds."""
    judged = verdict(**signals)
    assert (judged.state, judged.rule.branch) == (state, branch)


def test_what_an_open_branch_lacks_is_named() -> None:
    """Only what could still decide: the branch that is clear needs nothing."""
    assert verdict(x=2, y=2).missing == ("z",)
    assert verdict(x=2).missing == ("y", "z")


def test_the_finding_says_what_its_branch_says(tmp_path: Path) -> None:
    """Sentence, evidence and remedies of the branch, the rest of the rule; the other branch's words nowhere."""
    write_rule(tmp_path, BRANCHED)
    rising = [1.0 + 0.01 * step for step in range(100)]
    log = build_log(tmp_path, columns={"loss": rising, "loss_id": 0, "lr": 0.1})
    told = next(f for f in diagnose(log, rules=[tmp_path]).walk() if f.code == "odd-loss")
    assert (told.branch, told.sentence, told.cause) == ("rising", "The loss rises.", "The steps do not lead down.")
    assert told.evidence[0].text == "rising"
    assert [r.change for r in told.remedies] == ["clip", "lr"]


def test_a_rule_with_branches_is_sound(tmp_path: Path) -> None:
    """The rule that the next test spoils has no problems."""
    write_rule(tmp_path, BRANCHED)
    assert check_rules([tmp_path]) == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name = "rising"', 'name = "flat"', "branches: two are called flat"),
        ('when = ["loss_drop < 0"]', 'when = ["loss_dorp < 0"]', "branches[2].when[1], column 1: unknown name loss_do"),
        ('evidence = ["rising"]', "evidence = []", "branches[2].en.evidence: has 0 texts for 1 lines of when"),
        ('finding = "The loss rises."\n', "", "branches[2].finding: stands in one language only"),
        ('branch = "rising"', 'branch = "flat"', "should be found by the branch flat and is by rising"),
        ('branch = "rising"', 'branch = "risen"', "cases.branch: no branch is called risen"),
        ('change = "clip"', 'change = "clop"', "remedies.change: no change is called clop"),
        ('name = "rising"', 'nome = "rising"', "branches.2.nome: unknown key"),
    ],
)
def test_each_mistake_in_a_branch_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    """One mistake, one problem with its place."""
    write_rule(tmp_path, BRANCHED, changes={old: new})
    assert any(message in problem for problem in check_rules([tmp_path])), check_rules([tmp_path])


def test_a_remedy_that_names_branches_is_advised_in_those_alone() -> None:
    """One that names none is advised in all, behind those of the branch."""
    advised = ({"en": "slow down", "branches": ["fast"]}, {"en": "look"})
    low, fast = rule(branches=(LOW, FAST), remedies=advised).variants
    assert [[entry["en"] for entry in variant.remedies] for variant in (low, fast)] == [["look"], ["slow down", "look"]]
