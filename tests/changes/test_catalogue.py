"""Which changes there are, and what is said about a wrong one."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import trainadvisor
from trainadvisor.changes.catalogue import all_changes, chosen
from trainadvisor.errors import UsageError

RULES = Path(trainadvisor.__file__).parents[1] / "rules"


def test_every_change_says_what_it_does_and_what_it_cannot_do() -> None:
    """Both languages, for all of them."""
    for spec in all_changes().values():
        assert all([spec.doc, spec.zh, spec.limits, spec.limits_zh]), spec.name
        assert all(argument.type in ("number", "whole number", "word", "truth") for argument in spec.arguments.values())


def test_changes_are_known_without_torch() -> None:
    """A trial checks them before the script may set environment variables for torch."""
    code = (
        "import sys; from trainadvisor.changes import catalogue; catalogue.all_changes(); print('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


@pytest.mark.parametrize("path", sorted(RULES.glob("*/*.toml")), ids=lambda path: path.stem)
def test_each_remedy_of_a_rule_is_a_change_with_known_arguments(path: Path) -> None:
    """The words and arguments of the rules are those of the changes; a computed argument is a number."""
    known = all_changes()
    for remedy in tomllib.loads(path.read_text(encoding="utf-8")).get("remedies", []):
        spec = known[remedy["change"]]
        given = remedy.get("arguments", {})
        numeric = {name for name, argument in spec.arguments.items() if "number" in argument.type}
        plain = {name: 1 if name in numeric and isinstance(value, str) else value for name, value in given.items()}
        assert chosen([{"change": remedy["change"], "arguments": plain}])


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"change": "learning"}, "there is no such change"),
        ({"change": "warmpu"}, 'did you mean "warmup"?'),
        ({"change": "lr", "arguments": {"factr": 1}}, "there is no argument 'factr'; did you mean \"factor\"?"),
        ({"change": "lr", "arguments": {"factor": "ten"}}, "factor is a number, not 'ten'"),
        ({"change": "lr", "arguments": {"factor": True}}, "factor is a number, not True"),
        ({"change": "warmup", "arguments": {"steps": 2.5}}, "steps is a whole number, not 2.5"),
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
