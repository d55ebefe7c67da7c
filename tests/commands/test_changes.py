"""`trainadvisor changes`: everything that a trial can apply, in both languages and as JSON."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from trainadvisor.changes.catalogue import all_changes
from trainadvisor.commands.changes import command


def _output(*arguments: str) -> str:
    result = CliRunner().invoke(command, arguments)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize(
    ("lang", "limits", "number", "whole"),
    [("en", "limits: ", "NUMBER", "WHOLE-NUMBER"), ("zh", "限制：", "数值", "整数")],
)
def test_every_change_is_listed_with_its_limits(lang: str, limits: str, number: str, whole: str) -> None:
    """One entry a change, the arguments beside its name."""
    text = _output("--lang", lang)
    heads = [line.split()[0] for line in text.splitlines() if line and not line.startswith(" ")][:-1]
    assert heads == sorted(all_changes())
    assert text.count(limits) == len(heads)
    assert f"lr factor={number} value={number}\n" in text
    assert f"warmup steps={whole} (100)\n" in text


@pytest.mark.parametrize("form", [("--format", "json"), ("--json",)])
def test_json_holds_types_defaults_and_both_languages(form: tuple[str, ...]) -> None:
    """What a program needs to write a SPEC.json."""
    rows = {row["change"]: row for row in json.loads(_output(*form))}
    assert sorted(rows) == sorted(all_changes())
    assert rows["warmup"]["arguments"] == {"steps": {"type": "whole number", "default": 100, "choices": []}}
    assert rows["init"]["arguments"]["to"]["choices"][:2] == ["he", "xavier"]
    assert set(rows["lr"]["doc"]) == set(rows["lr"]["limits"]) == {"en", "zh"}
