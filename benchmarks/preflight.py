"""Runs preflight over the corpus: faults caught in the first steps, false alarms on healthy scripts, and duration.

usage: python benchmarks/preflight.py CORPUS [--work DIR] [--budget 60s] [--only NAME] [--judge-only] [--results FILE]

Each script is run by `trainadvisor preflight`, one at a time; logs and results stay in the work folder, so that the
next call runs only what is missing. The step at which a fault shows is found by cutting the log of the first steps.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1])]

from detection import cut, flat  # noqa: E402 - found by the path above

from trainadvisor.judge.assembly import judge_log  # noqa: E402
from trainadvisor.judge.rulebook import load  # noqa: E402
from trainadvisor.log.reader import read_log  # noqa: E402
from trainadvisor.preflight.early_rules import of_first_steps  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.judge.rulebook import Rulebook

MARK = ("<!-- preflight -->", "<!-- /preflight -->")
# Families of the faults that should show at once: initialization is judged with the activations.
WANTED = frozenset({"wiring", "data", "activations", "numerics"})
EARLY = 20


def main() -> None:
    """Run what is missing, then print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "trainadvisor-preflight")
    parser.add_argument("--budget", default="60s")
    parser.add_argument("--only", action="append", default=[], help="a script; may be repeated")
    parser.add_argument("--judge-only", action="store_true", help="run nothing")
    parser.add_argument("--results", type=Path, help="a Markdown file whose section on preflight is rewritten")
    options = parser.parse_args()
    runs = [run for run in scripts(options.corpus) if not options.only or run["name"] in options.only]
    for number, run in enumerate(runs, 1):
        if not options.judge_only and not (options.work / run["id"] / "result.json").exists():
            print(f"\r{number}/{len(runs)} {run['id']:60}", end="", file=sys.stderr, flush=True)
            execute(run, options.work / run["id"], options.budget)
    text = document(runs, options.work, load())
    print("\r" + text)
    if options.results:
        write(options.results, text)


def scripts(corpus: Path) -> Iterator[dict[str, Any]]:
    """Yield every faulty script, its fixed counterpart and every healthy one."""
    cases = tomllib.loads((corpus / "cases.toml").read_text(encoding="utf-8"))["case"]
    twins = [(case, kind) for kind in ("buggy", "fixed") for case in cases]
    for case, kind in twins:
        path = corpus / "cases" / f"{case['name']}.py"
        yield {"id": f"{case['name']}.{kind}", "name": case["name"], "kind": kind, "path": path, "case": case}
    for path in sorted((corpus / "healthy").glob("*.py")):
        yield {"id": f"{path.stem}.healthy", "name": path.stem, "kind": "healthy", "path": path}


def execute(run: dict[str, Any], folder: Path, budget: str) -> None:
    """Run one preflight; result.json is written last, so that an interrupted one is repeated."""
    folder.mkdir(parents=True, exist_ok=True)
    out = folder / "preflight.json"
    options = ["--budget", budget, "--folder", str(folder), "--format", f"json={out}", "--lang", "en"]
    args = [run["kind"]] if run["kind"] != "healthy" else []
    command = [sys.executable, "-m", "trainadvisor", "preflight", *options, str(run["path"]), *args]
    began, used = time.monotonic(), cpu_seconds()
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    seconds = round(time.monotonic() - began, 2)
    found = json.loads(out.read_text(encoding="utf-8")) if out.exists() else None
    cpu = round(cpu_seconds() - used, 2)
    result = {"code": done.returncode, "seconds": seconds, "cpu": cpu, "error": done.stderr[-2000:], "preflight": found}
    (folder / "result.json").write_text(json.dumps(result), encoding="utf-8")


def cpu_seconds() -> float:
    """Return the CPU time of all children so far: unlike wall time it does not depend on other processes."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def results(runs: list[dict[str, Any]], work: Path) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield the existing runs with their results."""
    for run in runs:
        path = work / run["id"] / "result.json"
        if path.exists():
            yield run, json.loads(path.read_text(encoding="utf-8"))


def document(runs: list[dict[str, Any]], work: Path, book: Rulebook) -> str:
    """Return the section as Markdown."""
    there = list(results(runs, work))
    faulty = [(run, result) for run, result in there if run["kind"] == "buggy"]
    healthy = [(run, result) for run, result in there if run["kind"] != "buggy"]
    wanted = [pair for pair in faulty if wanted_codes(pair[0], book)]
    early = of_first_steps(book, "en")
    steps = {run["id"]: first_step(work / run["id"] / "natural.json", run, early) for run, _ in wanted}
    rows = [
        f"| {run['name']} | {', '.join(sorted(wanted_codes(run, book)))} | {told(result) or '-'} | {steps[run['id']]} "
        f"| {result['seconds']:.0f} s | {result['cpu']:.0f} s |"
        for run, result in wanted
    ]
    others = [
        f"{run['name']}: {told(result)}" for run, result in faulty if (run, result) not in wanted and told(result)
    ]
    return "\n".join([
        "## Preflight over the corpus", "", summary(wanted, faulty, healthy, steps), "",
        "| script | fault | failed checks | seen after steps | took | processor |", "|---|---|---|---|---|---|",
        *rows, "",
        f"Other faulty scripts that failed a check: {'; '.join(others) or 'none'}.",
    ])  # fmt: skip


def summary(wanted: list[Any], faulty: list[Any], healthy: list[Any], steps: dict[str, str]) -> str:
    """Return the figures in sentences."""
    caught = [run for run, result in wanted if told(result)]
    early = [run for run in caught if steps[run["id"]].isdigit() and int(steps[run["id"]]) <= EARLY]
    alarmed = [run["id"] for run, result in healthy if told(result)]
    broken = [run["id"] for run, result in [*faulty, *healthy] if result["code"] not in (0, 1)]
    times, used = ([result[key] for _, result in [*faulty, *healthy]] or [0] for key in ("seconds", "cpu"))
    return (
        f"Faults of wiring, data, numerics and initialization caught: {len(caught)} of {len(wanted)}, {len(early)} of "
        f"them by step {EARLY}. Sound ones alarmed: {len(alarmed)} of {len(healthy)} ({', '.join(alarmed) or 'none'}). "
        f"Undecided or failed: {len(broken)} ({', '.join(broken) or 'none'}). "
        f"Median time {median(times):.0f} s, of which the processor worked {median(used):.0f} s."
    )


def wanted_codes(run: dict[str, Any], book: Rulebook) -> set[str]:
    """Return the root causes of a faulty script that belong to the first steps."""
    return {code for code in run["case"]["root"] if code in book.rules and book.rules[code].family in WANTED}


def told(result: dict[str, Any]) -> str:
    """Return the failed checks with the codes they named."""
    checks = (result["preflight"] or {}).get("checks", [])
    failed = [check for check in checks if check["state"] == "failed"]
    return "; ".join(f"{check['name']} ({', '.join(check['findings'])})" if check["findings"] else check["name"]
                     for check in failed)  # fmt: skip


def first_step(log: Path, run: dict[str, Any], book: Rulebook) -> str:
    """Return the number of steps after which an early rule first names the fault."""
    codes = set(run["case"]["detect"]) | set(run["case"]["root"])
    if not log.exists():
        return "-"
    lines = log.read_bytes().splitlines()
    with tempfile.TemporaryDirectory() as folder:
        part = Path(folder) / "log.json"
        for steps in range(1, 61):
            part.write_bytes(b"\n".join(cut(lines, steps)) + b"\n]\n")
            found = flat(judge_log(read_log(part), book).findings)
            if any(item.code in codes and item.severity != "note" for item in found):
                return str(steps)
    return "> 60"


def write(path: Path, text: str) -> None:
    """Write the section into a file, replacing the previous one."""
    old = path.read_text(encoding="utf-8") if path.exists() else "# Results\n"
    before, _, rest = old.partition(MARK[0])
    after = rest.partition(MARK[1])[2]
    path.write_text(f"{before.rstrip()}\n\n{MARK[0]}\n{text}\n{MARK[1]}\n{after.lstrip()}", encoding="utf-8")


if __name__ == "__main__":
    main()
