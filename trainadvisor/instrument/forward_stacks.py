"""The stacks that torch keeps and prints of a forward, as anomaly detection does, are the script's alone."""

import sys
from collections.abc import Callable
from typing import Any

from trainadvisor.instrument.hidden_frame import OURS, veiled
from trainadvisor.instrument.patching import graft

# The module that runs scripts: what stands before its last line is not there when Python runs them.
_LAUNCHER = OURS[0] + "record/run_script.py"


def tap() -> list[Callable[[], None]]:
    """Take our lines out of what torch asks for while a recorder listens; return the calls that undo it, if any."""
    function = getattr(sys.modules.get("torch.fx.traceback"), "format_stack", None)
    return [] if function is None else [graft(function, _as_without_us)]


@veiled
def _as_without_us(original: Callable[..., list[str]], args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[str]:
    """Return the stack without our lines."""
    return without_ours(original(*args, **kwargs))


def without_ours(lines: list[str]) -> list[str]:
    """Return lines as `traceback.format_stack` gives them without those that we have added."""
    begun = max((place + 1 for place, line in enumerate(lines) if _file_of(line) == _LAUNCHER), default=0)
    return [line for line in lines[begun:] if not _file_of(line).startswith(OURS)]


def _file_of(line: str) -> str:
    return line.removeprefix('  File "').partition('", line ')[0]
