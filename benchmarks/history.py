"""Compares the instructions that recording adds to a step with those on record, and keeps them by commit.

python benchmarks/history.py [--loops plain loader accumulated] [--write]
Instructions are the same on every machine and at any load, but not with another Python: figures are compared with the
last entry of history.jsonl that has the same version of Python. More than MOST of it is an error; with --write the
figures become the new entry, which a change that is meant to cost more needs as well.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "costs"))

HISTORY = HERE / "history.jsonl"
LOOPS = ("plain", "loader", "accumulated")
# Times the last figure from which it is an error: now and then a record is handed over or a header renewed.
MOST = 1.05


def python() -> str:
    """Return the version of Python whose instructions are counted."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def counted(loop: str) -> float:
    """Return the instructions a step, as benchmarks/instructions.py counts them in a process of its own."""
    command = [sys.executable, str(HERE / "instructions.py"), "--loop", loop, "--most", "0"]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return float(found.split()[0])


def last(entries: list[dict[str, Any]], version: str) -> dict[str, Any] | None:
    """Return the last entry that was made with a version of Python."""
    return next((entry for entry in reversed(entries) if entry["python"] == version), None)


def dearer(before: dict[str, float], now: dict[str, float]) -> list[str]:
    """Return a line for each loop that takes noticeably more instructions than before."""
    return [
        f"{loop}: {number:.1f} instructions a step, {number / before[loop]:.2f} times the {before[loop]:.1f} on record"
        for loop, number in now.items()
        if loop in before and number > MOST * before[loop]
    ]


def main() -> int:
    """Count, compare and keep; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--loops", nargs="+", default=LOOPS)
    parser.add_argument("--write", action="store_true", help="put the figures into history.jsonl")
    given = parser.parse_args()
    import marks

    entries = (
        [json.loads(line) for line in HISTORY.read_text(encoding="utf-8").splitlines()] if HISTORY.exists() else []
    )
    now = {loop: counted(loop) for loop in given.loops}
    print("instructions a step:", ", ".join(f"{loop} {number:.1f}" for loop, number in now.items()))
    before = last(entries, python())
    if before is None:
        print(f"no figures of Python {python()} are on record: nothing to compare with")
    problems = dearer(before["instructions"], now) if before else []
    print(*problems, sep="\n", end="\n" if problems else "")
    if given.write:
        entry = {"commit": marks.commit(), "python": python(), "instructions": now}
        with HISTORY.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
        return 0
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
