"""Runs commands one after the other in a process whose memory is bounded: what it may take besides what it has."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

MEGABYTE = 1 << 20


def run(
    commands: list[list[str]],
    *,
    megabytes: int,
    bounds: dict[str, int] | None = None,
    folder: Path,
    may_die: bool = False,
) -> list[dict[str, Any]]:
    """Return exit code, output and errors of each command; `bounds` are constants of ours to lower ("module:NAME").

    A process without memory that `may_die` counts as one command, which failed.
    """
    order = json.dumps({"commands": commands, "megabytes": megabytes, "bounds": bounds or {}})
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "TRAINADVISOR_LANG": "en"}
    done = subprocess.run(
        [sys.executable, __file__], input=order, capture_output=True, text=True, cwd=folder, env=environment,
        timeout=600, check=False,
    )  # fmt: skip
    if may_die and done.returncode:
        return [{"code": done.returncode, "out": done.stdout, "err": done.stderr}]
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def _execute(arguments: list[str]) -> dict[str, Any]:
    from trainadvisor.cli import main

    out, err, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(arguments)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
    return {"code": code, "out": out.getvalue(), "err": err.getvalue()}


def _bound(megabytes: int) -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + megabytes * MEGABYTE
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _main() -> None:
    order = json.loads(sys.stdin.read())
    for name, value in order["bounds"].items():
        module, _, constant = name.partition(":")
        setattr(importlib.import_module(module), constant, value)
    _execute(["explain", "plateau"])  # imports what judging needs, so that only what a log takes is bounded
    for module in (
        "trainadvisor.judge.assembly",
        "trainadvisor.report.text.full_report",
        "trainadvisor.commands.diagnose",
    ):
        importlib.import_module(module)
    _bound(order["megabytes"])
    sys.stdout.write(json.dumps([_execute(arguments) for arguments in order["commands"]]))


if __name__ == "__main__":
    _main()
