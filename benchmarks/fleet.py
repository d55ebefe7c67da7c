"""How long `trainadvisor fleet` takes for many logs: python benchmarks/fleet.py [--runs 10000] [--jobs 2]."""

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

STEPS = 200
# One log in a hundred is none.
HOSTILE = 100


def main() -> None:
    """Write the logs, judge them twice, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--jobs", type=int, default=2)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        for number in range(wanted.runs):
            write(place / "runs" / f"{number // 1000:03d}" / f"{number:06d}", number)
        for what in ("first", "again, from the cache"):
            began = time.perf_counter()
            told = judge(place, wanted.jobs)
            took = time.perf_counter() - began
            spent = resource.getrusage(resource.RUSAGE_CHILDREN)
            print(f"{what}: {took:.0f} s, {1000 * took / wanted.runs:.1f} ms a log, largest process "
                  f"{spent.ru_maxrss / 1024:.0f} MB; {told}")  # fmt: skip


def judge(place: Path, jobs: int) -> str:
    """Run the command and return the first line of its table."""
    command = [sys.executable, "-m", "trainadvisor", "fleet", str(place / "runs"), "--jobs", str(jobs), "--cache",
               str(place / "kept.sqlite")]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.partition("\n")[0]


def write(folder: Path, number: int) -> None:
    """Write the log of a made-up training; its rate decides how it ends."""
    folder.mkdir(parents=True)
    if number % HOSTILE == 0:
        (folder / "log.json").write_bytes(bytes(range(256)) * 8 + str(number).encode())
        return
    draw = random.Random(number)  # noqa: S311 - no secrets
    rate = 10 ** draw.uniform(-4, 0.5)
    header = {
        "record": "header", "format": 1, "tool": "bench", "source": "recorder",
        "script": f"train{number % 20}.py", "argv": ["--lr", f"{rate:.5f}"],
    }  # fmt: skip
    records = [header]
    for step in range(STEPS):
        loss = 2.3 * 0.98**step + draw.gauss(0, 0.02) if rate < 1 else 2.3 * 1.05**step
        records.append({"record": "step", "step": step, "loss": loss, "lr": [rate], "seconds": 0.01, "batch": 32,
                        "grad_norm": draw.uniform(0.5, 2)})  # fmt: skip
    records.append({"record": "end", "reason": "finished", "steps": STEPS, "seconds": 3600.0})
    (folder / "log.json").write_text("[" + ",\n".join(map(json.dumps, records)) + "\n]\n")


if __name__ == "__main__":
    main()
