"""Measures accuracy over the corpus and generated trainings: right first causes, and false alarms on healthy ones.

python benchmarks/accuracy.py [--healthy 350] [--per-fault 3] [--jobs 2] [--work DIR] [--judge-only]
Logs stay in the work folder: the next call judges them again in seconds and runs only what is missing.
"""

from __future__ import annotations

import argparse
import json
import platform
import shlex
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "generator"), str(HERE.parent)]

import bases  # noqa: E402 - found by the path above
import judging  # noqa: E402
import kinds  # noqa: E402
import outcomes  # noqa: E402
import plan  # noqa: E402
import running  # noqa: E402
import scores  # noqa: E402
import tables  # noqa: E402
from scores import Judged  # noqa: E402

Spec = dict[str, Any]
FULL_LENGTH = 100  # steps
GROUPS = ("corpus", "kinds", "tune", "held-out")
MARK = ("<!-- accuracy -->", "<!-- /accuracy -->")


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("/tmp/trainadvisor-accuracy"), help="where logs are kept")  # noqa: S108
    parser.add_argument("--corpus", type=Path, default=HERE.parents[1] / "shared" / "corpus")
    parser.add_argument("--healthy", type=int, default=350, help="how many sound trainings are drawn")
    parser.add_argument("--per-fault", type=int, default=3, help="faulty twins for each fault and grade")
    parser.add_argument("--seeds", type=int, default=3, help="how often each training of kinds/ is run")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--judge-only", action="store_true", help="run nothing, judge what is there")
    parser.add_argument("--reveal", action="store_true", help="name the held-out runs too: they are then used up")
    parser.add_argument("--show", action="store_true", help="name the wrong ones of corpus and tune")
    parser.add_argument("--out", type=Path, help="all figures as JSON; default: accuracy.json in the work folder")
    parser.add_argument(
        "--results", type=Path, help="a Markdown file whose section on accuracy is rewritten, with rules/measured.json"
    )
    return parser.parse_args()


def say(text: str) -> None:
    """Show progress on one line."""
    print(f"\r{text:70}", end="", file=sys.stderr, flush=True)


def generate(options: argparse.Namespace) -> tuple[list[Spec], list[Spec]]:
    """Return healthy and faulty specifications, after running what is missing."""
    healthy = plan.healthy(options.healthy)
    record(options, [running.job_of(spec, options.work) for spec in healthy])
    good = good_of(healthy, options.work)
    faulty = plan.faulty(healthy, good, options.per_fault)
    record(options, [running.job_of(spec, options.work) for spec in faulty])
    return healthy, faulty


def record(options: argparse.Namespace, jobs: list[running.Job]) -> None:
    """Run what is missing, unless only judging was asked for."""
    if not options.judge_only:
        running.run_all(jobs, options.jobs, say)


def good_of(healthy: list[Spec], work: Path) -> set[str]:
    """Return the identities of the healthy trainings that learned well."""
    results = results_of(healthy, work)
    best = outcomes.groups(healthy, results)
    good = (spec for spec in healthy if outcomes.healthy(spec, results[bases.identity(spec)], best))
    return {bases.identity(spec) for spec in good}


def results_of(specs: list[Spec], work: Path) -> dict[str, Any]:
    """Return the outcomes by identity."""
    return {bases.identity(spec): running.outcome(running.job_of(spec, work)) for spec in specs}


def generated(healthy: list[Spec], faulty: list[Spec], options: argparse.Namespace) -> list[Judged]:
    """Judge the generated runs that exist."""
    there = [spec for spec in [*healthy, *faulty] if running.job_of(spec, options.work).done.exists()]
    verdicts = judging.judge_all([running.job_of(spec, options.work).log for spec in there], options.jobs)
    results = results_of(there, options.work)
    good = good_of(healthy, options.work)
    judged = [_judged(spec, results, verdicts, good) for spec in there]
    return [run for run in judged if run is not None]


def _judged(spec: Spec, results: dict[str, Any], verdicts: dict[str, Any], good: set[str]) -> Judged | None:
    name = bases.identity(spec)
    verdict, group = verdicts[name], bases.split(spec)
    if not spec["fault"]:
        full = spec["loop"] == "supervised" and spec["steps"] >= FULL_LENGTH
        return Judged(name, group, "healthy", verdict, spec=spec, full=full) if name in good else None
    fault = plan.FAULTS[spec["label"]]
    kind = "faulty" if outcomes.harmed(spec, results[name], results[spec["base"]]) else "harmless"
    return Judged(name, group, kind, verdict, spec["label"], fault["detect"], fault["root"], spec)


def of_kinds(options: argparse.Namespace) -> list[Judged]:
    """Record and judge the trainings of kinds/."""
    jobs = kinds.jobs(options.work, options.seeds)
    record(options, jobs)
    there = [job for job in jobs if job.done.exists()]
    verdicts = judging.judge_all([job.log for job in there], options.jobs)
    judged = [kinds.judged(job, verdicts[job.log.stem]) for job in there]
    return [run for run in judged if run is not None]


def corpus(options: argparse.Namespace) -> list[Judged]:
    """Record and judge the corpus, where there is one."""
    entries = list(_corpus_entries(options.corpus)) if options.corpus.is_dir() else []
    folder = options.work / "corpus"
    jobs = [running.Job(f"{e['name']}.{kind}", str(path), args, folder) for e, kind, path, args in entries]
    record(options, jobs)
    there = [(job, entry) for job, entry in zip(jobs, entries, strict=True) if job.done.exists()]
    verdicts = judging.judge_all([job.log for job, _ in there], options.jobs)
    return [_corpus_judged(job, entry, verdicts[job.name]) for job, entry in there]


def _corpus_entries(base: Path) -> Any:
    for case in tomllib.loads((base / "cases.toml").read_text(encoding="utf-8"))["case"]:
        for kind in ("buggy", "fixed"):
            yield case, kind, base / "cases" / f"{case['name']}.py", [kind]
    for run in tomllib.loads((base / "healthy.toml").read_text(encoding="utf-8"))["run"]:
        yield run, "healthy", base / "healthy" / f"{run['name']}.py", []


def _corpus_judged(job: running.Job, entry: Any, verdict: Any) -> Judged:
    case, kind = entry[0], "faulty" if entry[1] == "buggy" else "healthy"
    detect, root = (case["detect"], case["root"]) if kind == "faulty" else ([], [])
    return Judged(job.name, "corpus", kind, verdict, case["name"], detect, root)


def figures(runs: list[Judged]) -> dict[str, Any]:
    """Return all figures; for the held-out part only totals."""
    by_group = {name: [r for r in runs if r.group == name] for name in GROUPS}
    shown = by_group["corpus"] + by_group["kinds"] + by_group["tune"]
    return {
        "groups": {name: scores.summary(part) for name, part in by_group.items()},
        "rules": scores.rules(runs),
        "confusion": scores.confusion(shown),
        "calibration": {name: scores.calibration(part) for name, part in by_group.items()},
    }


def document(found: dict[str, Any]) -> str:
    """Write the section of RESULTS.md."""
    command = shlex.join(["python", "benchmarks/accuracy.py", *sys.argv[1:]])
    device = platform.processor() or platform.machine()
    parts = [
        f"## Accuracy\n\n{time.strftime('%Y-%m-%d')}, {device} CPU, `{command}`",
        "Held-out runs were never looked at one by one; a fault that did no harm is not counted.",
        tables.overview(found["groups"]),
        "### Each rule (all runs)",
        tables.rules(found["rules"]),
        "### What came first (all but held-out)",
        tables.confusion(found["confusion"]),
        "### How often each word of confidence was right",
        tables.calibration(found["calibration"]),
    ]
    return "\n\n".join(parts) + "\n"


def write_section(path: Path, text: str) -> None:
    """Write the section into a file, replacing the previous one."""
    old = path.read_text(encoding="utf-8") if path.exists() else "# Results\n"
    before, _, rest = old.partition(MARK[0])
    after = rest.partition(MARK[1])[2]
    path.write_text(f"{before.rstrip()}\n\n{MARK[0]}\n{text}{MARK[1]}\n{after.lstrip()}", encoding="utf-8")


def write_measured(path: Path, table: dict[str, Any]) -> None:
    """Write what `trainadvisor rules index` shows for each rule: [times right, times] of three shares."""
    kept = ("precision", "recall", "false_alarms")
    short = {code: {name: [row[name]["hits"], row[name]["of"]] for name in kept} for code, row in table.items()}
    lines = [f"{json.dumps(code)}: {json.dumps(row)}" for code, row in sorted(short.items())]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def show(runs: list[Judged], groups: tuple[str, ...]) -> None:
    """Name the runs that were judged wrongly."""
    for run in (r for r in runs if r.group in groups):
        wrong = run.alarms if run.kind == "healthy" else run.kind == "faulty" and not (run.detected and run.right)
        if wrong or "error" in run.verdict:
            print(_line(run))


def _line(run: Judged) -> str:
    mark = "ALARM" if run.kind == "healthy" else "MISS" if not run.detected else "root"
    kept = ("task", "arch", "opt", "lr", "schedule", "batch", "steps", "fault")
    spec = " ".join(f"{key}={run.spec[key]}" for key in kept if key in run.spec)
    said = f"first={run.verdict['first']} loud={run.alarms}"
    return f"{mark:6} {run.name:14} {run.label:24} {said} {spec} {run.verdict.get('error', '')}"


def main() -> None:
    """Run, judge, report."""
    options = arguments()
    healthy, faulty = generate(options)
    runs = corpus(options) + of_kinds(options) + generated(healthy, faulty, options)
    found = figures(runs)
    say("")
    print("\r" + tables.overview(found["groups"]))
    print(tables.calibration(found["calibration"]))
    if options.show:
        show(runs, GROUPS if options.reveal else GROUPS[:-1])
    (options.out or options.work / "accuracy.json").write_text(json.dumps(found, indent=1), encoding="utf-8")
    if options.results:
        write_section(options.results, document(found))
        write_measured(HERE.parent / "rules" / "measured.json", found["rules"])


if __name__ == "__main__":
    main()
