"""How help is set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest


def test_chinese_help_has_no_english_frame(call: Callable[..., Any]) -> None:
    """Headings end in a full-width colon; English help stays as click writes it."""
    chinese, english = call("verify", "--help", "--lang", "zh").out, call("verify", "--help").out
    assert chinese.startswith("用法：trainadvisor verify [选项] ")
    assert "\n选项：\n" in chinese
    assert "[OPTIONS]" not in chinese
    assert english.startswith("Usage: trainadvisor verify [OPTIONS] ")
    assert "\nOptions:\n" in english


def test_no_option_is_broken_at_its_hyphens(call: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the width of the terminal."""
    for width in (60, 70, 80):
        monkeypatch.setenv("COLUMNS", str(width))
        for lang in ("en", "zh"):
            lines = call("verify", "--help", "--lang", lang).out.splitlines()
            assert [line for line in lines if line.endswith("--in-")] == []


def test_click_is_left_as_it_was(call: Callable[..., Any]) -> None:
    """A script that is started afterwards may use it too."""
    before = click.Context.formatter_class
    call("verify", "--help", "--lang", "zh")
    assert click.Context.formatter_class is before
