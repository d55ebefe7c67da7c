"""How help is set: no option is broken at its hyphens, and Chinese headings end in a full-width colon."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click
from click import _textwrap

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Wrapper(_textwrap.TextWrapper):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{**options, "break_on_hyphens": False})


class _Chinese(click.HelpFormatter):
    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """Write the line of a command."""
        super().write_usage(prog, args, "用法：" if prefix is None else prefix)

    def write_heading(self, heading: str) -> None:
        """Write the heading of a list."""
        self.write(f"{'':>{self.current_indent}}{heading}：\n")


@contextmanager
def set_well(lang: str) -> Iterator[None]:
    """Set the help of click so while the block runs: a script that is started afterwards may use click too."""
    wrapper, formatter = _textwrap.TextWrapper, click.Context.formatter_class
    _textwrap.TextWrapper = _Wrapper  # type: ignore[misc]
    click.Context.formatter_class = _Chinese if lang == "zh" else formatter
    try:
        yield
    finally:
        _textwrap.TextWrapper, click.Context.formatter_class = wrapper, formatter  # type: ignore[misc]
