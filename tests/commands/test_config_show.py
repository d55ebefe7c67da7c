"""`trainadvisor config show` names every setting and its source."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest


def test_without_settings_the_defaults_are_shown(call: Callable[..., object]) -> None:
    """Nothing set is a setting too."""
    assert call("config", "show").out.splitlines() == [
        'lang = "en"                   the locale',
        "rules = []                    default",
        'fail-on = "error"             default',
        'min-confidence = "likely"     default',
        "min-steps = 0                 default",
        "record.every = 10             default",
        'record.max-overhead = "1 %"   default',
    ]


def test_sources_and_mistakes_are_told_in_the_language_asked_for(call: Callable[..., object], folder: Path) -> None:
    """Where no file is the source, and where a code is misspelled."""
    assert call("config", "show", "--lang", "zh").out.splitlines()[1] == "rules = []                    默认值"
    (folder / "pyproject.toml").write_text('[tool.trainadvisor.off]\nplateu = "x"\n', encoding="utf-8")
    assert "没有名为 plateu 的规则" in call("config", "check", "--lang", "zh").err


def test_settings_are_shown_with_their_file(call: Callable[..., object], folder: Path) -> None:
    """Each line names where it comes from."""
    path = folder / "pyproject.toml"
    path.write_text('[tool.trainadvisor]\nlang = "zh"\noff = { plateau = "wanted" }\n', encoding="utf-8")
    lines = call("config", "show").out.splitlines()
    assert lines[0] == f'lang = "zh"                   {path}'
    assert lines[-1] == f'off.plateau = "wanted"        {path}'


def test_a_variable_replaces_a_default(
    call: Callable[..., object], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And is named."""
    monkeypatch.setenv("TRAINADVISOR_MIN_STEPS", "50")
    lines = call("config", "show").out.splitlines()
    assert lines[-1].split() == ["min-steps", "=", "50", "environment", "variable", "TRAINADVISOR_MIN_STEPS"]


def test_settings_of_every_kind_are_shown_as_they_are_written(call: Callable[..., object], folder: Path) -> None:
    """Figures, acceptances and patterns too."""
    (folder / "pyproject.toml").write_text(
        """[tool.trainadvisor]
require = { loss = "<= 0.3" }
accept = [{ code = "plateau", reason = "wanted", until = 2030-01-01 }]
rules = { dead-relu = { ignore-modules = ["a.*"] } }
""",
        encoding="utf-8",
    )
    shown = {line.rpartition("   ")[0].strip() for line in call("config", "show").out.splitlines()}
    assert {
        'require.loss = "loss <= 0.3"',
        'accept.plateau = "wanted" until 2030-01-01',
        "rules.dead-relu.ignore-modules = ['a.*']",
    } <= shown


def test_config_check_says_nothing_or_what_is_wrong(call: Callable[..., object], folder: Path) -> None:
    """For a hook before each commit."""
    assert call("config", "check").code == 0
    (folder / "pyproject.toml").write_text('[tool.trainadvisor.off]\nplateu = "x"\n', encoding="utf-8")
    outcome = call("config", "check")
    assert outcome.code == 2
    assert 'no rule is called plateu; did you mean "plateau"?' in outcome.err


def test_a_variable_wins_over_the_file(
    call: Callable[..., object], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment is nearer than the project."""
    (folder / "pyproject.toml").write_text('[tool.trainadvisor]\nlang = "zh"\n', encoding="utf-8")
    monkeypatch.setenv("TRAINADVISOR_LANG", "en")
    first = call("config", "show").out.splitlines()[0]
    assert first == 'lang = "en"                   environment variable TRAINADVISOR_LANG'


def test_check_lists_every_mistake_at_once_with_its_line(call: Callable[..., object], folder: Path) -> None:
    """Who mends one should not have to run it again to see the next."""
    path = folder / "pyproject.toml"
    path.write_text(
        """[tool.trainadvisor]
lnag = "zh"
fail-on = "loud"
min-steps = "many"
off = { nan-los = "no" }

[tool.trainadvisor.thresholds.plateau]
min_step = 3
[tool.trainadvisor.require]
val_los = "<= 0.3"
loss = "<= 0.3"

[[tool.trainadvisor.accept]]
code = "plateau"
""",
        encoding="utf-8",
    )
    outcome = call("config", "check")
    assert outcome.code == 2
    lines = outcome.err.splitlines()
    numbers = [line.removeprefix(f"trainadvisor: {path}:").partition(":")[0] for line in lines]
    assert numbers == ["2", "3", "4", "5", "8", "10", "14"]
    assert [
        word in line
        for word, line in zip(("lnag", "loud", "many", "nan-los", "min_step", "val_los", "reason"), lines, strict=True)
    ] == [True] * 7


def test_check_is_silent_when_all_is_well(call: Callable[..., object], folder: Path) -> None:
    """Settings of every kind, none of them wrong."""
    (folder / "pyproject.toml").write_text(
        """[tool.trainadvisor]
lang = "en"
off = { plateau = "wanted" }
require = { loss = "<= 0.3" }
rules = { dead-relu = { ignore-modules = ["a.*"], level = "note" } }
""",
        encoding="utf-8",
    )
    outcome = call("config", "check")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")
