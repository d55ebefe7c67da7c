"""Registries of what yields, for the code of a finding, the places of a framework's script that hold it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainadvisor.source.training import Training

Hold = Callable[["Training"], Iterator[ast.AST]]


def holders() -> tuple[dict[str, Hold], Callable[..., Callable[[Hold], Hold]]]:
    """Return a table of functions by code, and the decorator that enters one under the codes it is given."""
    table: dict[str, Hold] = {}

    def holds(*codes: str) -> Callable[[Hold], Hold]:
        def declare(hold: Hold) -> Hold:
            table.update(dict.fromkeys(codes, hold))
            return hold

        return declare

    return table, holds


def settings(training: Training, *names: str) -> list[ast.keyword]:
    """Return the arguments of calls that have one of the names."""
    return [word for call in training.script.calls for word in call.keywords if word.arg in names]
