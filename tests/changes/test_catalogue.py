"""Which changes there are, and what is said about a wrong one."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import trainadvisor
from trainadvisor.changes import catalogue
from trainadvisor.changes.catalogue import about, all_changes, argument_problems, chosen
from trainadvisor.errors import UsageError

RULES = Path(trainadvisor.__file__).parents[1] / "rules"


def test_every_change_says_what_it_does_and_what_it_cannot_do() -> None:
    """Both languages, for all of them, and arguments that a rule can hold."""
    assert catalogue.problems() == []
    assert all(spec.doc and spec.zh and spec.limits and spec.limits_zh for spec in all_changes().values())


def test_changes_are_known_without_torch() -> None:
    """A trial checks them before the script may set environment variables for torch."""
    code = (
        "import sys; from trainadvisor.changes import catalogue; catalogue.all_changes(); print('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


@pytest.mark.parametrize(
    "path", sorted(p for p in RULES.glob("*/*.toml") if p.parent.name != "questions"), ids=lambda path: path.stem
)
def test_each_remedy_of_a_rule_is_a_change_with_known_arguments(path: Path) -> None:
    """The words and arguments of the rules are those of the changes."""
    rule = tomllib.loads(path.read_text(encoding="utf-8"))
    for remedy in rule.get("remedies", []) if rule["evidence"] != "static" else []:
        if "change" not in remedy:
            continue  # no re-run can make it: a shape, a missing file
        assert remedy["change"] in all_changes()
        assert list(argument_problems(remedy["change"], remedy.get("arguments", {}))) == []


def test_text_for_a_number_is_computed_later_and_text_for_a_word_is_not() -> None:
    """Rules compute numbers from signals; words are what they are."""
    assert list(argument_problems("lr", {"value": "lr_first / 10"})) == []
    (problem,) = argument_problems("init", {"to": "lr_first"})
    assert problem.startswith("change \"init\": to cannot be 'lr_first'")


def test_nothing_is_known_of_a_change_that_there_is_not() -> None:
    """It has a name and the defaults of every declaration."""
    unknown = about("learning")
    assert (unknown.name, unknown.arguments, unknown.comparable, unknown.alone) == ("learning", {}, True, False)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"change": "learning"}, "there is no such change"),
        ({"change": "warmpu"}, 'did you mean "warmup"?'),
        ({"change": "lr", "arguments": {"factr": 1}}, "there is no argument 'factr'; did you mean \"factor\"?"),
        ({"change": "lr", "arguments": {"factor": "ten"}}, "factor is a number, not 'ten'"),
        ({"change": "lr", "arguments": {"factor": True}}, "factor is a number, not True"),
        ({"change": "warmup", "arguments": {"steps": 2.5}}, "steps is a whole number, not 2.5"),
        ({"change": "warmup", "arguments": {"steps": float("inf")}}, "steps is a whole number, not inf"),
        ({"change": "lr", "arguments": {"factor": float("nan")}}, "factor is a number, not nan"),
        ({"change": "init", "arguments": {"to": "hee"}}, "to cannot be 'hee'; did you mean \"he\"?"),
        ({"change": "lr", "arguments": [1]}, '"arguments" must be a table'),
    ],
)
def test_a_wrong_change_is_one_sentence(wanted: dict, message: str) -> None:
    """It names the nearest word."""
    with pytest.raises(UsageError, match="change") as error:
        chosen([wanted])
    assert message in str(error.value)


def test_a_whole_number_may_be_written_with_a_point() -> None:
    """Computed arguments are floats."""
    assert chosen([{"change": "warmup", "arguments": {"steps": 40.0}}])[0].arguments == {"steps": 40}


def test_what_is_tried_without_a_finding() -> None:
    """In this order; some where numbers were lost, some only where nothing is learned at all."""
    tried = sorted((one.rank, name, one) for name, spec in all_changes().items() for one in spec.fallbacks)
    assert [(rank, name) for rank, name, _ in tried] == [
        (0, "fix-labels"), (10, "lr"), (20, "standardize-inputs"), (30, "optimizer"), (40, "init"), (50, "clip"),
        (60, "lr"),
    ]  # fmt: skip
    assert [rank for rank, _, one in tried if one.keeps_finite] == [10, 20, 50, 60]
    assert [rank for rank, _, one in tried if one.only_unlearned] == [0]
