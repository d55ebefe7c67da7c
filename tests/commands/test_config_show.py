"""`trainadvisor config show` names every setting and its source."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest


def test_without_settings_the_defaults_are_shown(call: Callable[..., object]) -> None:
    """Nothing set is a setting too."""
    assert call("config", "show").out.splitlines() == ['lang = "en"   the locale', "rules = []    default"]


def test_settings_are_shown_with_their_file(call: Callable[..., object], folder: Path) -> None:
    """Each line names where it comes from."""
    path = folder / "pyproject.toml"
    path.write_text('[tool.trainadvisor]\nlang = "zh"\noff = { plateau = "wanted" }\n', encoding="utf-8")
    assert call("config", "show").out.splitlines() == [
        f'lang = "zh"              {path}',
        "rules = []               default",
        f'off.plateau = "wanted"   {path}',
    ]


def test_a_variable_wins_over_the_file(
    call: Callable[..., object], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment is nearer than the project."""
    (folder / "pyproject.toml").write_text('[tool.trainadvisor]\nlang = "zh"\n', encoding="utf-8")
    monkeypatch.setenv("TRAINADVISOR_LANG", "en")
    assert call("config", "show").out.startswith('lang = "en"   environment variable TRAINADVISOR_LANG\n')
