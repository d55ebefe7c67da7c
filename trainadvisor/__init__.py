"""Diagnostic assistant for neural-network training in PyTorch.

PYTEST_DONT_REWRITE: a script that we record may run pytest, which would warn that we are imported already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trainadvisor.version import __version__ as __version__

if TYPE_CHECKING:
    from trainadvisor.document import diagnose
    from trainadvisor.importers.foreign_logs import read_log
    from trainadvisor.notebook_magic import load_ipython_extension as load_ipython_extension
    from trainadvisor.signals import signal
    from trainadvisor.watching import autolog, watch

__all__ = ["autolog", "diagnose", "read_log", "signal", "watch"]

_HOMES = {
    "autolog": "trainadvisor.watching",
    "diagnose": "trainadvisor.document",
    "load_ipython_extension": "trainadvisor.notebook_magic",
    "read_log": "trainadvisor.importers.foreign_logs",
    "signal": "trainadvisor.signals",
    "watch": "trainadvisor.watching",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: judging must not load torch, recording must not load scipy."""
    if name not in _HOMES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    from importlib import import_module

    home = import_module(_HOMES[name])
    globals()[name] = value = getattr(home, name)
    return value


def __dir__() -> list[str]:
    """List the public names, imported or not."""
    return sorted({*globals(), *__all__})
