"""What `trainadvisor --version -v` prints: whether everything that the commands need is here."""

from __future__ import annotations

import platform
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("torch", "numpy", "scipy", "pydantic", "orjson", "click", "rich")


def report() -> str:
    """Return one line each for Python, the packages, the device, the folder and the rules."""
    rows = [("python", f"{platform.python_version()} on {platform.platform()}")]
    rows += [(name, _version(name)) for name in PACKAGES]
    rows += [("device", _device()), ("folder", _folder()), ("rules", _rules())]
    return "\n".join(f"  {name:<10} {value}" for name, value in rows)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return f"not installed; `pip install {name}`"


def _device() -> str:
    try:
        import torch
    except ImportError as error:
        return f"not known: torch cannot be imported ({error}); logs can still be diagnosed"
    if torch.cuda.is_available():
        return f"cuda ({torch.cuda.get_device_name()})"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _folder() -> str:
    here = Path.cwd()
    try:
        with tempfile.TemporaryFile(dir=here):
            return f"{here} can be written"
    except OSError as error:
        return f"{here} cannot be written ({error.strerror}); give --log another place"


def _rules() -> str:
    from trainadvisor.commands.common import rulebook

    return f"{len(rulebook().rules)} loaded"
