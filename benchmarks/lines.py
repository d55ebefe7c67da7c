"""Whether findings show the line to change, and whether `trainadvisor fix --yes` mends it: over a corpus of twins.

usage: lines.py CORPUS [--work DIR] [--only NAME ...] [--judge-only] [--results FILE]
Each variant of cases/NAME.py is what is left of the script when its argument is known. The faulty one runs once; its
log stays in the work folder, so that a later call judges it again, and runs again only what `fix` makes differently;
with --judge-only it runs nothing, and what was not run does not count.
A line is right where the first finding shows one that the sound twin changes, or one beside lines that it adds. A
script is cured where the finding is gone and nine tenths of the way to the metric of the sound twin are made.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import hashlib
import json
import math
import os
import shutil
import subprocess
import sys
import tomllib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from click.testing import CliRunner  # noqa: E402 - behind the path above
from lint import Variant  # noqa: E402 - found by the path above

from trainadvisor.cli import program  # noqa: E402 - behind the path above
from trainadvisor.telling import diagnose  # noqa: E402 - behind the path above

if TYPE_CHECKING:
    from trainadvisor.judge.result import Finding

LONGEST = 300
ENOUGH = 0.9
# Metrics that are better the higher; where the faulty script ends with NaN, the way to the goal begins at 0.
HIGHER = frozenset({"accuracy", "r2", "auc"})
MARK = ("<!-- lines -->", "<!-- /lines -->")
NO_EDIT = {
    "ghmoviereviews_overfit": "more or other data",
    "lm_repeats_stair_steps": "more or other data",
    "so40467990_labels_misaligned": "the data",
    "so39217567_bits_sigmoid_stack": "the data",
    "labels_shuffled": "the data",
    "val_not_normalized": "the data",
    "nan_division": "the data",
    "trl976_pad_is_eos": "the data",
    "cookbook133_eval_truncated_answers": "the data",
    "ctc_stays_blank": "the data",
    "recsys_no_negatives": "the data",
    "ptforecasting182_target_leak": "the data",
    "grpo_groups_without_spread": "another reward",
    "ppo_value_loss_drowns_policy": "another reward",
    "underfit_linear": "another model",
    "torchtitan1246_router_collapse": "another model",
    "warpctc59_fewer_frames_than_labels": "another model",
    "periodic_checkpoint_stall": "another way of saving",
}
"""Cases whose remedy no edit can write, and what has to change."""


@dataclass
class Row:
    """What came of one case."""

    name: str
    code: str = ""
    root: bool = False
    line: bool = False
    shown: list[str] = field(default_factory=list)
    wanted: list[int] = field(default_factory=list)
    fixed: str = ""
    # Whether the mended script was run; one that nothing mends need not be.
    measured: bool = True
    runs: bool = False
    gone: bool = False
    metric: float | None = None
    goal: float | None = None
    cured: bool = False


class Tidy(ast.NodeTransformer):
    """Takes `pass` out of blocks that hold something else."""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        """Visit the blocks of a node."""
        super().generic_visit(node)
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, None)
            if isinstance(block, list) and len(block) > 1:
                setattr(node, name, [s for s in block if not isinstance(s, ast.Pass)] or block[:1])
        return node


def variant(path: Path, argument: str) -> str:
    """Return the text of a script as it runs with an argument."""
    tree = Variant(argument).visit(ast.parse(path.read_text(encoding="utf-8")))
    return ast.unparse(ast.fix_missing_locations(Tidy().visit(tree))) + "\n"


def changed(faulty: str, sound: str) -> list[int]:
    """Return the lines of the faulty twin that the sound one changes, and those beside what it adds."""
    old, new = faulty.split("\n"), sound.split("\n")
    lines: set[int] = set()
    for kind, first, last, start, _ in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "insert":
            lines |= beside(old, first, new[start])
        elif kind != "equal":
            lines |= set(range(first + 1, last + 1))
    return sorted(lines)


def beside(lines: list[str], place: int, put: str) -> set[int]:
    """Return the lines of the block into which lines are put: a call may go to any place of its loop."""
    indent = len(put) - len(put.lstrip())
    found = {place, place + 1}
    for step in (-1, 1):
        line = place if step < 0 else place + 1
        while 0 < line <= len(lines) and len(lines[line - 1]) - len(lines[line - 1].lstrip()) >= indent > 0:
            found.add(line)
            line += step
    return found


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a script under trainadvisor in a folder."""
    world = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(HERE.parent), "TRAINADVISOR_LANG": "en"}
    command = [sys.executable, "-m", "trainadvisor", "run", "--no-live", "--log", "log.json", *arguments]
    try:
        return subprocess.run(
            command, cwd=folder, env=world, capture_output=True, text=True, timeout=LONGEST, check=False
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 124, "", "too long")


def metric(output: str, case: dict[str, Any]) -> float | None:
    """Return the metric that a script printed, the one that its case is measured by."""
    lines = [line for line in output.split("\n") if line.startswith("RESULT ")]
    printed = json.loads(lines[-1].removeprefix("RESULT ")) if lines else {}
    value = printed.get(case.get("measured_fixed", {}).get("metric"), printed.get("val_metric"))
    return float(value) if value is not None else None


def recorded(folder: Path, script: Path, *, judge_only: bool) -> str | None:
    """Run a script once and return what it printed, None where it was not run; its log lies beside it."""
    key = hashlib.sha256(script.read_bytes()).hexdigest()[:12]
    done = folder / f"{key}.out"
    (folder / "log.json").unlink(missing_ok=True)
    if not done.exists():
        if judge_only:
            return None
        ran = run(folder, script.name, "buggy")
        if (folder / "log.json").exists():
            shutil.copy(folder / "log.json", folder / f"{key}.json")
        done.write_text(ran.stdout + f"\nEXIT {ran.returncode}\n" + ran.stderr[-4000:], encoding="utf-8")
    if (folder / f"{key}.json").exists():
        shutil.copy(folder / f"{key}.json", folder / "log.json")
    return done.read_text(encoding="utf-8")


def found(folder: Path) -> list[Finding]:
    """Return the findings of the log in the current folder."""
    return diagnose("log.json", lang="en").findings if (folder / "log.json").exists() else []


def codes(findings: list[Finding]) -> set[str]:
    """Return the codes of findings that alarm, consequences included."""
    return {inner.code for finding in findings if finding.severity != "note" for inner in finding.walk()}


def prepared(case: str, corpus: Path, work: Path) -> Path:
    """Return a folder with what the script needs beside it."""
    folder = work / case
    folder.mkdir(parents=True, exist_ok=True)
    for path in (corpus / "cases").iterdir():
        if path.suffix != ".py" or path.stem == "tinylm":
            shutil.copy(path, folder / path.name)
    return folder


def reached(value: float | None, faulty: float | None, goal: float | None, name: str) -> bool:
    """Return whether nine tenths of the way from the faulty metric to the goal are made."""
    if value is None or goal is None or not math.isfinite(value):
        return False
    unknown = 0.0 if name in HIGHER else 2 * goal
    start = faulty if faulty is not None and math.isfinite(faulty) else unknown
    start = max(start, 0.0) if goal > start else start
    room = (1 - ENOUGH) * max(abs(goal - start), 0.02)
    return value >= goal - room if goal >= start else value <= goal + room


def measure(case: dict[str, Any], corpus: Path, work: Path, *, judge_only: bool) -> Row | None:
    """Run, judge, mend and run again; None where the faulty script was not run."""
    row = Row(case["name"])
    path, folder = corpus / "cases" / f"{row.name}.py", prepared(row.name, corpus, work)
    faulty, sound = variant(path, "buggy"), variant(path, "fixed")
    script = folder / path.name
    os.chdir(folder)
    script.write_text(faulty, encoding="utf-8")
    output = recorded(folder, script, judge_only=judge_only)
    if output is None:
        return None
    first = next(iter(found(folder)), None)
    row.wanted = changed(faulty, sound)
    row.goal = goal_of(case, folder, sound, judge_only=judge_only)
    if first is None:
        return row
    row.code, row.root = first.code, first.code in {*case["root"], case.get("missing_code", "")}
    row.shown = [site.where for site in first.sites]
    row.line = any(site.file == path.name and site.line in row.wanted for site in first.sites)
    mended = CliRunner().invoke(program, ["fix", "log.json", "--yes", "--lang", "en"])
    row.fixed = "yes" if mended.exit_code == 0 and script.read_text(encoding="utf-8") != faulty else "no"
    (folder / "fix.txt").write_text(mended.output, encoding="utf-8")
    if row.fixed == "yes":
        again = recorded(folder, script, judge_only=judge_only)
        row.measured = again is not None
        if again is not None:
            row.runs = "\nEXIT 0\n" in again
            row.gone = row.code not in codes(found(folder))
            row.metric = metric(again, case)
            name = case.get("measured_fixed", {}).get("metric", "")
            row.cured = row.runs and row.gone and reached(row.metric, metric(output, case), row.goal, name)
    return row


def goal_of(case: dict[str, Any], folder: Path, sound: str, *, judge_only: bool) -> float | None:
    """Return the metric of the sound twin: as the case says, else as a run of it prints."""
    known = case.get("measured_fixed", {}).get("val_metric")
    done = folder / "sound.out"
    if known is not None:
        return float(known)
    if not done.exists() and not judge_only:
        (folder / "sound.py").write_text(sound, encoding="utf-8")
        command = [sys.executable, "sound.py", "fixed"]
        ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=LONGEST, check=False)
        done.write_text(ran.stdout, encoding="utf-8")
    return metric(done.read_text(encoding="utf-8"), case) if done.exists() else None


def table(rows: list[Row]) -> str:
    """Return the figures as Markdown."""
    edits = [row for row in rows if row.name not in NO_EDIT]
    tried = [row for row in edits if row.measured]
    lines = [
        f"| of {len(edits)} faulty scripts whose remedy is an edit | |",
        "|---|---|",
        f"| the first finding names an accepted cause | {sum(r.root for r in edits)} |",
        f"| it shows a line that the sound twin changes | {sum(r.line for r in edits)} |",
        f"| `fix --yes` changes the script | {sum(r.fixed == 'yes' for r in edits)} |",
        f"| tried so far (run again, or nothing to run) | {len(tried)} |",
        f"| of these: run | {sum(r.runs for r in tried)} |",
        f"| of these: no longer have the finding | {sum(r.gone for r in tried)} |",
        f"| of these: cured, the metric of the sound twin reached | {sum(r.cured for r in tried)} |",
        "",
        "| script | first finding | line | fix | finding gone | metric | of the sound twin | cured |",
        "|---|---|---|---|---|---|---|---|",
        *(_line(row) for row in rows),
        "",
        "*: no edit can write the remedy (`NO_EDIT` in the script says what has to change). -: not run yet.",
    ]
    return "\n".join(lines)


def _line(row: Row) -> str:
    figures = ["" if value is None else f"{value:.3g}" for value in (row.metric, row.goal)]
    line, gone, cured = ("yes" if held else "no" for held in (row.line, row.gone, row.cured))
    gone, cured = (gone, cured) if row.measured else ("-", "-")
    note = " *" if row.name in NO_EDIT else ""
    return (
        f"| {row.name}{note} | {row.code} | {line} | {row.fixed or 'no'} | {gone} | {' | '.join(figures)} | {cured} |"
    )


def write(results: Path, text: str) -> None:
    """Rewrite the section of a Markdown file."""
    held = results.read_text(encoding="utf-8")
    head, _, rest = held.partition(MARK[0])
    tail = rest.partition(MARK[1])[2]
    results.write_text(f"{head}{MARK[0]}\n{text}\n{MARK[1]}{tail}", encoding="utf-8")


def main() -> None:
    """Measure, and print or write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--work", type=Path, default=Path("/tmp/trainadvisor-lines"), help="where logs are kept")  # noqa: S108
    parser.add_argument("--only", nargs="*", help="cases to measure")
    parser.add_argument("--judge-only", action="store_true", help="run nothing, judge what is there")
    parser.add_argument("--results", type=Path, help="a Markdown file whose section on lines is rewritten")
    given = parser.parse_args()
    cases = tomllib.loads((given.corpus / "cases.toml").read_text(encoding="utf-8"))["case"]
    chosen = [case for case in cases if not given.only or case["name"] in given.only]
    rows = []
    corpus, work = given.corpus.resolve(), given.work.resolve()
    results = given.results.resolve() if given.results else None
    for case in chosen:
        row = measure(case, corpus, work, judge_only=given.judge_only)
        if row is not None:
            rows.append(row)
            print(json.dumps(asdict(row)), file=sys.stderr, flush=True)
    text = table(rows)
    if results:
        write(results, text)
    print(text)


if __name__ == "__main__":
    main()
