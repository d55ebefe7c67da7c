"""How help is set: no option is broken at its hyphens; Chinese is broken between characters and takes two columns."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click
from click import _textwrap

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class _Wrapper(_textwrap.TextWrapper):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{**options, "break_on_hyphens": False})


class _ChineseWrapper(_Wrapper):
    def wrap(self, text: str) -> list[str]:
        """Break a text as reports do."""
        from trainadvisor.report.text.layout import wrap

        first, *more = wrap(" ".join(text.split()), self.width - len(self.initial_indent))
        return [self.initial_indent + first, *(self.subsequent_indent + line for line in more)]


class _Chinese(click.HelpFormatter):
    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """Write the line of a command."""
        super().write_usage(prog, args, "用法：" if prefix is None else prefix)

    def write_heading(self, heading: str) -> None:
        """Write the heading of a list."""
        self.write(f"{'':>{self.current_indent}}{heading}：\n")

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        """Write what stands left beside what stands right, in columns of the terminal."""
        from trainadvisor.report.text.layout import cells, pad, wrap

        rows, indent = list(rows), " " * self.current_indent
        column = min(max(cells(left) for left, _ in rows), col_max) + col_spacing
        for left, right in rows:
            first, *more = wrap(right, max(self.width - column - 2, 10))
            beside = cells(left) <= column - col_spacing
            self.write(indent + (pad(left, column) if beside else f"{left}\n{indent}{' ' * column}") + first + "\n")
            self.write("".join(f"{indent}{' ' * column}{line}\n" for line in more))


@contextmanager
def set_well(lang: str) -> Iterator[None]:
    """Set the help of click so while the block runs: a script that is started afterwards may use click too."""
    wrapper, formatter = _textwrap.TextWrapper, click.Context.formatter_class
    _textwrap.TextWrapper = _ChineseWrapper if lang == "zh" else _Wrapper  # type: ignore[misc]
    click.Context.formatter_class = _Chinese if lang == "zh" else formatter
    try:
        yield
    finally:
        _textwrap.TextWrapper, click.Context.formatter_class = wrapper, formatter  # type: ignore[misc]
