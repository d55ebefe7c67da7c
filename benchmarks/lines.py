"""Whether findings show the line to change, and whether `trainadvisor fix --yes` mends it: over a corpus of twins.

usage: lines.py CORPUS [--work DIR] [--only NAME ...] [--most N] [--results FILE] [--verbose]
Each variant of cases/NAME.py is what is left of the script when its argument is known. The faulty one runs once; its
log stays in the work folder, so that a later call judges it again, and runs again only what `fix` makes differently.
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
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from lint import Variant  # noqa: E402 - found by the path above

LONGEST = 300
ENOUGH = 0.9
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


def call(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run trainadvisor in a folder."""
    world = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(HERE.parent), "TRAINADVISOR_LANG": "en"}
    command = [sys.executable, "-m", "trainadvisor", *arguments]
    try:
        return subprocess.run(
            command, cwd=folder, env=world, capture_output=True, text=True, timeout=LONGEST, check=False
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 124, "", "too long")


def metric(output: str) -> float | None:
    """Return the metric that a script printed."""
    lines = [line for line in output.split("\n") if line.startswith("RESULT ")]
    value = json.loads(lines[-1].removeprefix("RESULT ")).get("val_metric") if lines else None
    return float(value) if value is not None else None


def recorded(folder: Path, script: Path, argument: str) -> str:
    """Run a script once and return what it printed; its log lies beside it."""
    key = hashlib.sha256(script.read_bytes()).hexdigest()[:12]
    done = folder / f"{key}.out"
    if not done.exists():
        (folder / "log.json").unlink(missing_ok=True)
        ran = call(folder, "run", "--no-live", "--log", "log.json", script.name, argument)
        if (folder / "log.json").exists():
            shutil.copy(folder / "log.json", folder / f"{key}.json")
        done.write_text(ran.stdout + f"\nEXIT {ran.returncode}\n" + ran.stderr[-4000:], encoding="utf-8")
    if (folder / f"{key}.json").exists():
        shutil.copy(folder / f"{key}.json", folder / "log.json")
    return done.read_text(encoding="utf-8")


def diagnosis(folder: Path) -> dict[str, Any]:
    """Return the diagnosis of the log in a folder."""
    told = call(folder, "diagnose", "log.json", "--format", "json")
    return json.loads(told.stdout) if told.returncode == 0 and told.stdout else {"findings": []}


def codes(findings: list[dict[str, Any]]) -> set[str]:
    """Return the codes of findings that alarm, consequences included."""
    return {
        code
        for finding in findings
        if finding["severity"] != "note"
        for code in {finding["code"], *codes(finding["explains"])}
    }


def prepared(case: str, corpus: Path, work: Path) -> Path:
    """Return a folder with what the script needs beside it."""
    folder = work / case
    folder.mkdir(parents=True, exist_ok=True)
    for path in (corpus / "cases").iterdir():
        if path.suffix != ".py" or path.stem == "tinylm":
            shutil.copy(path, folder / path.name)
    return folder


def reached(value: float | None, faulty: float | None, goal: float | None) -> bool:
    """Return whether nine tenths of the way from the faulty metric to the goal are made."""
    if value is None or goal is None or not math.isfinite(value):
        return False
    start = faulty if faulty is not None and math.isfinite(faulty) else 0.0
    start = max(start, 0.0) if goal > start else start
    room = (1 - ENOUGH) * max(abs(goal - start), 0.02)
    return value >= goal - room if goal >= start else value <= goal + room


def measure(case: dict[str, Any], corpus: Path, work: Path) -> Row:
    """Run, judge, mend and run again."""
    row = Row(case["name"])
    path, folder = corpus / "cases" / f"{row.name}.py", prepared(row.name, corpus, work)
    faulty, sound = variant(path, "buggy"), variant(path, "fixed")
    script = folder / path.name
    script.write_text(faulty, encoding="utf-8")
    output = recorded(folder, script, "buggy")
    told = diagnosis(folder)
    if not told["findings"]:
        return row
    first = told["findings"][0]
    row.code, row.root = first["code"], first["code"] in {*case["root"], case.get("missing_code", "")}
    row.wanted = changed(faulty, sound)
    row.shown = [f"{Path(s['file']).name}:{s['line']}" for s in first["sites"]]
    row.line = any(Path(s["file"]).name == path.name and s["line"] in row.wanted for s in first["sites"])
    row.goal = goal_of(case)
    mended = call(folder, "fix", "log.json", "--yes")
    row.fixed = "yes" if mended.returncode == 0 and script.read_text(encoding="utf-8") != faulty else "no"
    if row.fixed == "yes":
        again = recorded(folder, script, "buggy")
        row.runs = "\nEXIT 0\n" in again
        row.gone = row.code not in codes(diagnosis(folder)["findings"])
        row.metric = metric(again)
        row.cured = row.runs and row.gone and reached(row.metric, metric(output), row.goal)
    (folder / "fix.txt").write_text(mended.stdout + mended.stderr, encoding="utf-8")
    return row


def goal_of(case: dict[str, Any]) -> float | None:
    """Return the metric of the sound twin."""
    sound = case.get("measured_fixed", {})
    return sound.get("val_metric")


def table(rows: list[Row]) -> str:
    """Return the figures as Markdown."""
    edits = [row for row in rows if row.name not in NO_EDIT]
    lines = [
        (
            f"{len(rows)} faulty scripts, of which the remedy of {len(edits)} is an edit: the first finding names an "
            f"accepted cause in {sum(r.root for r in edits)}, shows a line that the sound twin changes in "
            f"{sum(r.line for r in edits)}; `fix --yes` changes {sum(r.fixed == 'yes' for r in edits)}, of which "
            f"{sum(r.runs for r in edits)} run, {sum(r.gone for r in edits)} no longer have the finding, and "
            f"{sum(r.cured for r in edits)} are cured."
        ),
        "",
        "| script | first finding | line | fix | finding gone | metric | of the sound twin | cured |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        figures = ["" if value is None else f"{value:.3g}" for value in (row.metric, row.goal)]
        marks = ["yes" if held else "no" for held in (row.line, row.gone, row.cured)]
        note = " *" if row.name in NO_EDIT else ""
        lines.append(
            f"| {row.name}{note} | {row.code} | {marks[0]} | {row.fixed} | {marks[1]} | {' | '.join(figures)} "
            f"| {marks[2]} |"
        )
    return "\n".join([*lines, "", "*: no edit can write the remedy (`NO_EDIT` in the script says what has to change)."])


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
    parser.add_argument("--most", type=int, default=1000, help="how many cases")
    parser.add_argument("--results", type=Path, help="a Markdown file whose section on lines is rewritten")
    parser.add_argument("--verbose", action="store_true")
    given = parser.parse_args()
    cases = tomllib.loads((given.corpus / "cases.toml").read_text(encoding="utf-8"))["case"]
    chosen = [case for case in cases if not given.only or case["name"] in given.only][: given.most]
    rows = []
    for case in chosen:
        rows.append(measure(case, given.corpus, given.work))
        print(json.dumps(asdict(rows[-1])), file=sys.stderr, flush=True)
    text = table(rows)
    if given.results:
        write(given.results, text)
    print(text)


if __name__ == "__main__":
    main()
