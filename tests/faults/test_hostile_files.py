"""A rule or settings file may be anybody's: what would cost without end is refused in one sentence."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING

import bounded
import pytest

from trainadvisor import configuration
from trainadvisor.errors import ConfigError, RuleError, TrainAdvisorError
from trainadvisor.judge.conditions import Place, parse
from trainadvisor.judge.placeholders import fill
from trainadvisor.judge.rule_checks import check_rules
from trainadvisor.judge.rulebook import load, rule_files, shipped_rules

if TYPE_CHECKING:
    from pathlib import Path

TOML = {
    "larger than 1 MB": "x = '" + "y" * 10_000_000 + "'",
    "nested too deep": "x = " + "[" * 100_000,
    "a key of more than 100 parts in line 2": "\n" + ".".join("k" * 200_000) + " = 1",
    "a key of more than 100 parts in line 1": "[" + " . ".join(["'k'"] * 50_000) + "]",
    "Exceeds the limit": "x = " + "9" * 500_000,
    "Expected newline": "x = 9**9**9",
    "codec can't decode": "x = '\udcff'",
}
SHIPPED = {path.stem: path for path in rule_files(shipped_rules())}


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """A folder with one sound rule of a project."""
    folder = tmp_path / "rules" / "mine"
    folder.mkdir(parents=True)
    shutil.copy(SHIPPED["dead-relu" if "dead-relu" in SHIPPED else min(SHIPPED)], folder / "my-rule.toml")
    load([folder])
    return folder


def refusal(folder: Path) -> str:
    """Return what is said of a folder of rules."""
    with pytest.raises(RuleError) as caught:
        load([folder])
    message = str(caught.value)
    assert message.startswith(str(folder / "my-rule.toml"))
    assert "\n" not in message
    return message


@pytest.mark.parametrize("told", TOML)
def test_a_hostile_rule_file_is_refused(rules: Path, told: str) -> None:
    """Before the parser spends more on it than it is worth."""
    (rules / "my-rule.toml").write_bytes(TOML[told].encode("utf-8", "surrogateescape"))
    assert told in refusal(rules)


@pytest.mark.parametrize("told", TOML)
@pytest.mark.parametrize("name", ["pyproject.toml", "trainadvisor.toml"])
def test_hostile_settings_are_refused(tmp_path: Path, told: str, name: str) -> None:
    """As above."""
    (tmp_path / name).write_bytes(TOML[told].encode("utf-8", "surrogateescape"))
    with pytest.raises(ConfigError) as caught:
        configuration.load(tmp_path)
    assert told in str(caught.value)
    assert str(caught.value).startswith(f"{tmp_path / name}: cannot be read as TOML")


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ("9**9**9 > loss_final", "is not part of the language"),
        ("not " * 100 + "true", "nested deeper than 20 levels"),
        ("steps > 1" + " and steps > 1" * 100, "longer than 500 characters"),
        ("steps > " + "9" * 400, "is not part of the language"),
        ("steps.__class__ == 1", "an attribute is not part of the language"),
        ("__import__('os').system('true') == 0", "this call is not part of the language"),
        ("[x for x in steps] == 1", "is not part of the language"),
    ],
)
def test_a_hostile_condition_is_refused(rules: Path, condition: str, told: str) -> None:
    """A condition calls nothing, and computes no power."""
    text = (rules / "my-rule.toml").read_text(encoding="utf-8")
    head, _, rest = text.partition("\nwhen = [")
    changed = f"{head}\nwhen = [{json.dumps(condition)}]\n{rest.partition(']' + chr(10))[2]}"
    (rules / "my-rule.toml").write_text(changed, encoding="utf-8")
    assert any(told in problem for problem in check_rules([rules]))
    assert "my-rule.toml" in refusal(rules)


def test_numbers_beyond_those_of_a_float_are_unknown() -> None:
    """Whole numbers have any size in Python: products of the largest that may be written."""
    large = "9" * 240
    expression = parse(f"{large} * {large} > steps", Place("f", "k"))
    assert expression.evaluate({"steps": 1}.get) is None


@pytest.mark.parametrize("value", ["1e301", "nan", "inf", "9" * 400])
def test_a_threshold_is_a_number_to_compute_with(rules: Path, tmp_path: Path, value: str) -> None:
    """In rules and in settings."""
    text = (rules / "my-rule.toml").read_text(encoding="utf-8")
    head, _, rest = text.partition("{ value = ")
    (rules / "my-rule.toml").write_text(f"{head}{{ value = {value}, {rest.partition(', ')[2]}", encoding="utf-8")
    assert "thresholds." in refusal(rules)
    (tmp_path / "trainadvisor.toml").write_text(f"thresholds = {{ plateau = {{ x = {value} }} }}")
    with pytest.raises(ConfigError, match="must be a table of numbers"):
        configuration.load(tmp_path)


def test_a_placeholder_asks_for_no_memory(rules: Path) -> None:
    """A width of a hundred columns and more is no format, wherever the text comes from."""
    text = (rules / "my-rule.toml").read_text(encoding="utf-8")
    (rules / "my-rule.toml").write_text(text.replace('title = "', 'title = "{steps:999999999d} ', 1), encoding="utf-8")
    assert "{steps:999999999d} is not a placeholder" in refusal(rules)
    assert fill("{steps:.999999999f}", {"steps": 1.5}.get) == ("1.5", True)


def test_a_pipe_or_folder_named_like_a_rule_is_no_rule(rules: Path) -> None:
    """Reading it would never end."""
    os.mkfifo(rules / "pipe.toml")
    (rules / "folder.toml").mkdir()
    assert "my-rule" in load([rules]).rules


@pytest.mark.parametrize("count", ["9" * 5000, "-1", "1e3"])
def test_a_count_in_the_environment_is_a_count(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, count: str) -> None:
    """Of a size that is one."""
    monkeypatch.setenv("TRAINADVISOR_MIN_STEPS", count)
    with pytest.raises(TrainAdvisorError, match="must be a whole number"):
        configuration.load(tmp_path)


def test_the_command_line_refuses_them_with_exit_code_two(tmp_path: Path) -> None:
    """In one line each, within 150 MB."""
    (tmp_path / "log.json").write_text('[{"record":"header","format":1},\n{"record":"step","step":0,"loss":1}]')
    hostile = list(TOML.values())
    for number, text in enumerate(hostile):
        folder = tmp_path / f"rules{number}"
        folder.mkdir()
        (folder / "bad.toml").write_bytes(text.encode("utf-8", "surrogateescape"))
    commands = [["diagnose", "log.json", "--rules", f"rules{number}"] for number in range(len(hostile))]
    for outcome in bounded.run(commands, megabytes=150, folder=tmp_path):
        assert (outcome["code"], outcome["out"], outcome["err"].count("\n")) == (2, "", 1), outcome["err"]
        assert outcome["err"].startswith("trainadvisor: rules")
        assert len(outcome["err"]) < 1000
