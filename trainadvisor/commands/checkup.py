"""What is installed here and what of trainadvisor would work with it, found without importing any of it."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

SCHEMA = "trainadvisor/doctor/1"
NEEDED = ("torch", "numpy", "scipy", "pydantic", "orjson", "click", "rich", "jinja2")
FRAMEWORKS = (
    "transformers", "trl", "peft", "accelerate", "lightning", "pytorch-lightning", "keras", "skorch", "pytorch-ignite",
    "fastai", "deepspeed", "timm", "ultralytics",
)  # fmt: skip
EXTRAS = ("ray", "mcp", "zstandard", "pandas", "ipython", "torchvision", "fsspec", "pytest")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "firefox", "microsoft-edge", "safari", "xdg-open", "open")
LONGEST = 60.0  # seconds that an import of torch may take, from a cold disk
# what works, and the package that it needs beside ours
WORKS = {"run": "torch", "diagnose": "numpy", "ray": "ray", "mcp": "mcp", "packed": "zstandard", "frame": "pandas"}
# in a process of its own: a torch that does not fit its driver may end the one that imports it
ASKED = """
import json, torch
gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
kind = "rocm" if torch.version.hip else "cuda"
backends = [name for name in ("nccl", "gloo", "mpi") if torch.distributed.is_available()
            and getattr(torch.distributed, f"is_{name}_available")()]
print(json.dumps({"cpu_threads": torch.get_num_threads(), kind: gpus, "mps": torch.backends.mps.is_available(),
                  "distributed": backends}))
"""


def facts() -> dict[str, Any]:
    """Return everything that the command prints, as JSON values."""
    from trainadvisor.commands.common import rulebook
    from trainadvisor.version import __version__

    packages = {name: installed(name) for name in (*NEEDED, *EXTRAS)}
    computes = devices() if packages["torch"] else {"error": "torch is not installed"}
    works = {what: packages[needs] is not None for what, needs in WORKS.items()}
    return {
        "schema": SCHEMA,
        "trainadvisor": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: packages[name] for name in NEEDED},
        "devices": computes,
        "frameworks": {name: found for name in FRAMEWORKS if (found := installed(name))},
        "extras": {name: packages[name] for name in EXTRAS},
        "browser": next((name for name in BROWSERS if shutil.which(name)), None),
        "folder": {"path": str(Path.cwd()), "error": _unwritable(Path.cwd())},
        "rules": len(rulebook().rules),
        "works": works | {"run": "error" not in computes},
    }


def sound(found: dict[str, Any]) -> bool:
    """Return whether a training can be recorded and judged here."""
    return all(found["packages"].values()) and not found["folder"]["error"] and "error" not in found["devices"]


def installed(name: str) -> str | None:
    """Return the version of a package by what its installation says of itself."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def devices() -> dict[str, Any]:
    """Return what torch can compute on, or the last line of what it said instead."""
    # the folder of the call may hold a torch.py of its own
    command = [sys.executable, "-P", "-c", ASKED]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST, check=False)  # noqa: S603 - our own interpreter
        answer = json.loads(done.stdout) if done.returncode == 0 else None
    except subprocess.TimeoutExpired:
        return {"error": f"importing torch takes longer than {LONGEST:.0f} s"}
    except ValueError:
        answer = None
    if isinstance(answer, dict):
        return answer
    said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
    return {"error": said[-1]}


def _unwritable(folder: Path) -> str | None:
    try:
        with tempfile.TemporaryFile(dir=folder):
            return None
    except OSError as error:
        return os.strerror(error.errno) if error.errno else str(error)
