"""Runs `trainadvisor verify` over the corpus: whether faulty trainings are cured and healthy ones left alone.

python benchmarks/verify.py [--corpus DIR] [--work DIR] [--budget 90s] [--only NAME] [--failed] [--results FILE]
One case at a time; the verify.json of each stays in the work folder, and the next call runs only what is missing
(--failed: also what did not end as it should). A faulty script should end with a verified remedy, a healthy one not.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
MARK = ("<!-- verify -->", "<!-- /verify -->")
GRACE = 60
GOALS = {"faulty": 0.85, "sound": 0.95}


@dataclass(frozen=True)
class Case:
    """One run of a script of the corpus."""

    name: str
    kind: str
    script: Path
    args: tuple[str, ...]

    def folder(self, work: Path) -> Path:
        """Return the folder of its result."""
        return work / f"{self.name}.{self.kind}"


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=HERE.parents[1] / "shared" / "corpus")
    parser.add_argument("--work", type=Path, default=Path("/tmp/trainadvisor-verify"), help="where results are kept")  # noqa: S108
    parser.add_argument("--budget", default="90s")
    parser.add_argument("--seeds", default="3")
    parser.add_argument("--only", action="append", default=[], help="part of a name; may be repeated")
    parser.add_argument("--kind", choices=["faulty", "fixed", "healthy"], help="run only these")
    parser.add_argument("--failed", action="store_true", help="run again what did not end as it should")
    parser.add_argument("--until", help="start nothing after this time of day, such as 11:00")
    parser.add_argument("--table-only", action="store_true")
    parser.add_argument("--results", type=Path, help="a Markdown file whose section on verify is rewritten")
    return parser.parse_args()


def cases(corpus: Path) -> list[Case]:
    """Return the faulty scripts, their fixed counterparts and the healthy ones."""
    scripts = sorted((corpus / "cases").glob("*.py"))
    faulty = [Case(path.stem, "faulty", path, ("buggy",)) for path in scripts]
    fixed = [Case(path.stem, "fixed", path, ("fixed",)) for path in scripts]
    healthy = [Case(path.stem, "healthy", path, ()) for path in sorted((corpus / "healthy").glob("*.py"))]
    return [*faulty, *healthy, *fixed]


def run(case: Case, options: argparse.Namespace) -> None:
    """Verify one case; its output stays next to its result."""
    folder = case.folder(options.work)
    folder.mkdir(parents=True, exist_ok=True)
    command = [
        sys.executable, "-m", "trainadvisor", "verify", "--budget", options.budget, "--seeds", options.seeds,
        "--out", "verify.json", str(case.script), *case.args,
    ]  # fmt: skip
    started, before, used = time.monotonic(), os.getloadavg()[0], processor()
    with (folder / "out.txt").open("wb") as out, (folder / "err.txt").open("wb") as err:
        try:
            code = subprocess.run(command, cwd=folder, stdout=out, stderr=err, timeout=3600, check=False).returncode
        except subprocess.TimeoutExpired:
            code = None
    seconds = time.monotonic() - started
    told = {
        "exit": code,
        "wall": seconds,
        "cpu": processor() - used,
        "budget": options.budget,
        "load": (before + os.getloadavg()[0]) / 2,
    }
    (folder / "run.json").write_text(json.dumps(told), encoding="utf-8")


def processor() -> float:
    """Return the CPU seconds of all children so far."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def result(case: Case, work: Path) -> dict[str, Any] | None:
    """Return what is known of a case, None when it has not been run."""
    folder = case.folder(work)
    try:
        told = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        told["found"] = json.loads((folder / "verify.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return told


def right(case: Case, told: dict[str, Any]) -> bool:
    """Return whether a case ended as it should."""
    verified = bool(told["found"]["verified"])
    return verified if case.kind == "faulty" else not verified


def run_all(options: argparse.Namespace) -> None:
    """Run what is missing, one case at a time."""
    for case in cases(options.corpus):
        wanted = (not options.only or any(part in case.name for part in options.only)) and (
            not options.kind or case.kind == options.kind
        )
        told = result(case, options.work)
        if not wanted or (told is not None and not (options.failed and not right(case, told))):
            continue
        if options.until and time.strftime("%H:%M") >= options.until:
            return
        run(case, options)
        told = result(case, options.work)
        answer = told["found"]["answer"] if told else "no result"
        print(f"{time.strftime('%H:%M:%S')} {case.name}.{case.kind}: {answer}", flush=True)


def figure(value: Any) -> str:
    """Return a number with three significant digits."""
    return f"{value:.3g}" if isinstance(value, (int, float)) else str(value)


def row(case: Case, told: dict[str, Any]) -> str:
    """Return a line of the table."""
    found = told["found"]
    best = next(iter(found["verified"]), None)
    if best is None:
        return f"| {case.name} | {found['answer']} | | | | | {spent(told)} |"
    changes = [best["change"], *(change["change"] for change in best["combined_with"])]
    figures = f"{figure(best['before'])} | {figure(best['after'])}"
    seeds = f"{best['wins']} of {best['seeds']}"
    return f"| {case.name} | {' + '.join(changes)} | {best['metric']} | {figures} | {seeds} | {spent(told)} |"


def spent(told: dict[str, Any]) -> str:
    """Return wall time and CPU time."""
    return f"{told['wall']:.0f} s, {told.get('cpu', 0):.0f} s"


def table(options: argparse.Namespace) -> str:
    """Return the section of the results."""
    every = [(case, result(case, options.work)) for case in cases(options.corpus)]
    ran = [(case, told) for case, told in every if told is not None]
    lines = [*summary(ran, every), ""]
    lines += [
        "| faulty script | verified | metric | without | with | seeds | wall time, processor time |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [row(case, told) for case, told in ran if case.kind == "faulty"]
    wrong = [row(case, told) for case, told in ran if case.kind != "faulty" and not right(case, told)]
    if wrong:
        head = ["", "Sound runs in which something was verified:", ""]
        lines += [*head, "| sound script | verified | metric | without | with | seeds | wall time, processor time |"]
        lines += ["|---|---|---|---|---|---|---|", *wrong]
    return "\n".join(lines)


def summary(ran: list[tuple[Case, dict[str, Any]]], every: list[tuple[Case, Any]]) -> list[str]:
    """Return one line for each kind of script, and how long it took."""
    lines = ["| scripts | of | ended as they should | goal |", "|---|---|---|---|"]
    for kind, kinds in (("faulty", ("faulty",)), ("sound", ("fixed", "healthy"))):
        mine = [(case, told) for case, told in ran if case.kind in kinds]
        good = sum(right(case, told) for case, told in mine)
        share = f"{good} of {len(mine)} ({good / len(mine):.0%})" if mine else "not run"
        total = sum(case.kind in kinds for case, _ in every)
        lines.append(f"| {kind} | {len(mine)} of {total} run | {share} | {GOALS[kind]:.0%} |")
    walls = [told["wall"] for case, told in ran if case.kind == "faulty"]
    budgets = sorted({str(told["budget"]) for _, told in ran})
    loads = [told["load"] for _, told in ran]
    if walls:
        times = f"median {statistics.median(walls):.0f} s, most {max(walls):.0f} s"
        used = [told.get("cpu", 0.0) for case, told in ran if case.kind == "faulty"]
        times += f"; processor time: median {statistics.median(used):.0f} s, most {max(used):.0f} s"
        load = f"median {statistics.median(loads):.0f} on {os.cpu_count()} cores"
        told = f"wall time of a faulty script: {times}; load of the machine meanwhile: {load}."
        lines += ["", f"Budget {', '.join(budgets)}; {told}"]
    return lines


def main() -> None:
    """Run everything and print the results."""
    options = arguments()
    options.work.mkdir(parents=True, exist_ok=True)
    if not options.table_only:
        run_all(options)
    told = table(options)
    print(told)
    if options.results:
        page = options.results.read_text(encoding="utf-8")
        start, end = page.index(MARK[0]) + len(MARK[0]), page.index(MARK[1])
        options.results.write_text(f"{page[:start]}\n{told}\n{page[end:]}", encoding="utf-8")


if __name__ == "__main__":
    main()
