"""Measures the time of `diagnose` relative to plain JSON parsing, and its memory.

python benchmarks/diagnose.py [--sizes 10000x50 100000x50 1000000x50 10000x500 10000x2000] [--work DIR] [--write]
A size is steps x layers. Logs are made once and kept in the work folder; each is measured in a process of its own, in
seconds of the processor. With --write the table goes into RESULTS.md.
"""

from __future__ import annotations

import argparse
import gc
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "costs"), str(HERE.parent)]

SIZES = ("10000x50", "100000x50", "1000000x50", "10000x500", "10000x2000")
FRAME = b" \t\r\n[],"
ROUNDS = 3


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", default=SIZES)
    parser.add_argument("--work", type=Path, default=Path("/tmp/trainadvisor-biglogs"), help="where logs are kept")  # noqa: S108
    parser.add_argument("--every", type=int, default=200, help="steps between two samples of the layers")
    parser.add_argument("--write", action="store_true", help="put the table into RESULTS.md")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def seconds_of(work: Callable[[], object]) -> float:
    """Return the smallest CPU time of several rounds, because the others were disturbed."""
    return min(_timed(work) for _ in range(ROUNDS))


def _timed(work: Callable[[], object]) -> float:
    gc.collect()  # remains of the previous round
    begun = time.process_time()
    work()
    return time.process_time() - begun


def parse(path: Path) -> None:
    """Parse a log line by line and discard the result."""
    import orjson

    with path.open("rb") as file:
        for line in file:
            if body := line.strip(FRAME):
                orjson.loads(body)


def peak_megabytes() -> float:
    """Return the peak memory of this process; getrusage would include that of its parent."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def measure(path: Path) -> dict[str, float]:
    """Return the times for one log, and the peak memory of its diagnosis."""
    from trainadvisor.log.reader import read_log
    from trainadvisor.telling import diagnose

    parsed = seconds_of(lambda: parse(path))
    begun = time.process_time()
    diagnose(path)  # the first time it also loads the rules
    first = time.process_time() - begun
    read, again = seconds_of(lambda: read_log(path)), seconds_of(lambda: diagnose(path))
    memory = peak_megabytes()
    return {"parse": parsed, "read": read, "first": first, "diagnose": again, "memory": memory}


def row(size: str, work: Path, every: int) -> tuple[str, ...]:
    """Create the log of a size if missing, measure it in its own process, and return its table row."""
    import biglogs

    steps, layers = map(int, size.split("x"))
    path = work / f"{size}-{every}.json"
    if not path.exists():
        work.mkdir(parents=True, exist_ok=True)
        biglogs.make(path, steps=steps, layers=layers, every=every)
    command = [sys.executable, str(HERE / "diagnose.py"), "--one", str(path.resolve())]
    # where the script that the log names is not: what is read of a script is no part of it
    found = json.loads(subprocess.run(command, cwd=work, capture_output=True, text=True, check=True).stdout)
    ratio, reading = found["diagnose"] / found["parse"], found["read"] / found["parse"]
    line = (f"{steps:,}", f"{layers:,}", f"{path.stat().st_size / 1e6:.1f} MB", f"{found['parse']:.2f} s",
            f"{found['read']:.2f} s ({reading:.1f} x)", f"{found['diagnose']:.2f} s ({ratio:.1f} x)",
            f"{found['first']:.2f} s", f"{found['memory']:.0f} MiB")  # fmt: skip
    print("  ".join(line), flush=True)
    return line


def main() -> None:
    """Measure every size."""
    given = arguments()
    if given.one:
        print(json.dumps(measure(given.one)))
        return
    import marks

    rows = [row(size, given.work, given.every) for size in given.sizes]
    head = ("steps", "layers", "log", "parse", "read", "diagnose", "first diagnose in a process", "peak memory")
    command = f"`python benchmarks/diagnose.py --sizes {' '.join(given.sizes)}`"
    text = f"{marks.machine()}, {marks.commit()}, {command}: seconds of the processor, least of {ROUNDS}.\n\n"
    text += marks.table(head, rows)
    print(text)
    if given.write:
        marks.write("diagnose", "Big logs", text)


if __name__ == "__main__":
    main()
