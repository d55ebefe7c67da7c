"""Compares what preflight says of memory and time with the real runs: python benchmarks/whole_run.py [--results FILE].

Six trainings (whole_run/train.py) run by themselves and under preflight, in turn; preflight also says what twice the
batch would take, by its second measurement at half of it, and that is run as well. Memory is what the system counts as
the largest resident memory of the process. The clock of every run is the time that its thread computes, which is what a
step takes on a machine that does nothing else (whole_run/clock); of the repetitions the smallest counts on both sides.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).resolve().parent
MARK = ("<!-- whole-run -->", "<!-- /whole-run -->")
KINDS = ("mlp", "cnn", "lstm", "transformer", "vae", "adam")
BATCH, STEPS = 64, 40
MEMORY, TIME = 0.10, 0.20
REAL = (
    "import runpy, sys; sys.argv = ['train.py', *sys.argv[1:]]; runpy.run_path('train.py', run_name='__main__'); "
    "print('peak=' + next(l for l in open('/proc/self/status') if l.startswith('VmHWM')).split()[1])"
)


def main() -> None:
    """Measure and print the table; exit 1 where a limit is passed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--only", action="append", default=[], help="a training; may be repeated")
    parser.add_argument("--results", type=Path, help="a Markdown file whose section is rewritten")
    options = parser.parse_args()
    rows = []
    for kind in options.only or KINDS:
        rows += compared(kind, options.repeat)
        print(*rows[-2:], sep="\n", file=sys.stderr, flush=True)
    told = document(rows, options.repeat)
    print(told)
    if options.results:
        page = options.results.read_text(encoding="utf-8")
        before, _, rest = page.partition(MARK[0])
        after = rest.partition(MARK[1])[2]
        options.results.write_text(f"{before.rstrip()}\n\n{MARK[0]}\n{told}\n{MARK[1]}\n{after.lstrip()}", "utf-8")
    sys.exit(any(abs(row[4]) > MEMORY or abs(row[7]) > TIME for row in rows))


def compared(kind: str, repeat: int) -> list[tuple[Any, ...]]:
    """Return a row a batch size: told and real memory and time, and by how much they differ."""
    told, real = [], {BATCH: list[tuple[float, float]](), 2 * BATCH: list[tuple[float, float]]()}
    for _ in range(repeat):
        for batch, found in real.items():
            found.append(run(kind, batch))
        told.append(preflight(kind))
    own = min(each["step_seconds"] for each in told)
    half = min(each["step_seconds"] - each["example_seconds"] * BATCH / 2 for each in told)
    seconds = {BATCH: own, 2 * BATCH: own + 2 * (own - half)}
    memory = {BATCH: [each["peak_mb"] for each in told], 2 * BATCH: [each["planned_peak_mb"] for each in told]}
    return [
        (kind, batch, *against(median(memory[batch]), median(peak for peak, _ in found)),
         *against(1000 * seconds[batch], 1000 * min(step for _, step in found)))
        for batch, found in real.items()
    ]  # fmt: skip


def against(told: float, real: float) -> tuple[float, float, float]:
    """Return what was told, what was real, and by which share the first is off."""
    return told, real, told / real - 1


def environment() -> dict[str, str]:
    """Return the environment of all runs: one thread, and its own clock."""
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(HERE / "whole_run" / "clock")}


def run(kind: str, batch: int) -> tuple[float, float]:
    """Train by itself; return the peak in MB and the median seconds of a step."""
    words = [sys.executable, "-c", REAL, kind, "--batch", str(batch), "--steps", str(STEPS)]
    out = subprocess.run(words, cwd=HERE / "whole_run", env=environment(), capture_output=True, text=True, check=True)
    said = dict(line.split("=") for line in out.stdout.split())
    return int(said["peak"]) * 1024 / 1e6, float(said["step_seconds"])


def preflight(kind: str) -> dict[str, Any]:
    """Return what preflight says of memory and time."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "told.json"
        options = ["--no-experiments", "--budget", "600s", "--plan-batch", str(2 * BATCH), "--format", f"json={file}"]
        words = [sys.executable, "-m", "trainadvisor", "preflight", *options, "train.py", kind, "--batch", str(BATCH)]
        subprocess.run(words, cwd=HERE / "whole_run", env=environment(), capture_output=True, text=True, check=False)
        checks = json.loads(file.read_text(encoding="utf-8"))["checks"]
    return next(check["figures"] for check in checks if check["name"] == "whole-run")


def document(rows: list[tuple[Any, ...]], repeat: int) -> str:
    """Return the section as Markdown."""
    machine = f"{platform.machine()} CPU, one thread, load {os.getloadavg()[0]:.1f}"
    about = (
        "Largest resident memory and time of a step: what `preflight --plan-batch` says after its first steps, and the "
        "run by itself. The second row of each training is the planned batch, which preflight never ran."
    )
    head = "| training | batch | told MB | real MB | off | told ms | real ms | off |\n|---|---|---|---|---|---|---|---|"
    made = f"{datetime.now(UTC):%Y-%m-%d}, {machine}, `python benchmarks/whole_run.py --repeat {repeat}`"
    lines = ["## Memory and time before the run", "", made, "", about, "", head]
    for kind, batch, told, real, off, *times, late in rows:
        memory = f"{told:.0f} | {real:.0f} | {off:+.1%}"
        lines.append(f"| {kind} | {batch} | {memory} | {times[0]:.1f} | {times[1]:.1f} | {late:+.0%} |")
    most = max(abs(row[4]) for row in rows), max(abs(row[7]) for row in rows)
    return "\n".join([*lines, "", f"Largest difference: memory {most[0]:.1%}, time {most[1]:.0%}."])


if __name__ == "__main__":
    main()
