"""Starts a script in two processes of one training, as a launcher would, or through torchrun."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_SECONDS = 240


def together(folder: Path, source: str, *args: str) -> list[str]:
    """Run a script in two processes that know of each other; return what each printed."""
    script = _written(folder, source)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    common = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    started = [
        subprocess.Popen(
            [sys.executable, script, *args],
            cwd=folder,
            env=_environment() | common | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    outputs = [process.communicate(timeout=_SECONDS) for process in started]
    assert [process.returncode for process in started] == [0, 0], outputs
    return [output for output, _ in outputs]


def torchrun(folder: Path, source: str, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command in two processes started by torchrun; the script is train.py."""
    _written(folder, source)
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "--"]
    return subprocess.run(
        [*launcher, *command],
        cwd=folder,
        env=_environment(),
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )


def _written(folder: Path, source: str) -> str:
    (folder / "train.py").write_text(textwrap.dedent(source), encoding="utf-8")
    return "train.py"


def _environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
