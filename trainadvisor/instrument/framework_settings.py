"""The lines of a script that hold a framework's settings."""

import ast
import linecache
from collections.abc import Collection, Iterator
from typing import Any

from trainadvisor.instrument import call_sites

_MOST_FILES = 4
# What frameworks call the data that they evaluate on.
_HELD_OUT = frozenset({"eval_dataset", "val_dataloaders", "validation_data"})


def lines_of(calls: Collection[str]) -> Iterator[tuple[str, str | None, dict[str, Any] | None]]:
    """Yield the name, an argument (None: the call itself) and the place of each such call of the files that train."""
    files = dict.fromkeys(frame.f_code.co_filename for frame in call_sites.user_frames(2))
    for filename in list(files)[:_MOST_FILES]:
        for name, argument, line in settings_in(filename, calls):
            yield name, argument, call_sites.describe((filename, line))


def held_out_line(place: call_sites.Place | None) -> call_sites.Place | None:
    """Return the only line of a file that hands a framework the data of its evaluation; without one, the place."""
    if place is None:
        return None
    calls = ("Trainer", "Seq2SeqTrainer", "SFTTrainer", "fit")
    lines = [line for _, argument, line in settings_in(place[0], calls) if argument in _HELD_OUT]
    return (place[0], lines[0]) if len(lines) == 1 else place


def settings_in(filename: str, calls: Collection[str]) -> Iterator[tuple[str, str | None, int]]:
    """Yield the name, an argument (None: the call itself) and the line of each such call of a file."""
    try:
        tree = ast.parse("".join(linecache.getlines(filename)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (name := call_sites.called(node)) is not None and name in calls:
            yield name, None, node.lineno
            yield from ((name, word.arg, word.value.lineno) for word in node.keywords if word.arg is not None)
