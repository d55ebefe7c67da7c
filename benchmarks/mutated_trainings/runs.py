"""Runs of a script, sound or with a mistake in it, each kept in the work folder and made once."""

from __future__ import annotations

import ast
import hashlib
import json
import math
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from forks import forked

HERE = Path(__file__).resolve().parent
TREE = HERE.parents[1]
# Seconds of the processor.
SPENDING = 20
SEEDING = frozenset({"manual_seed", "seed", "default_rng", "RandomState", "manual_seed_all"})
STRIDE = 1000
# A metric as scripts print it, where they print no line of results: the last of these words with a number behind it.
PRINTED = re.compile(
    r"(accuracy|acc|r2|auc|f1|iou|mse|mae|rmse|error|perplexity|loss|bound|score)\b[^\d\n-]{0,12}(-?\d+\.?\d*(?:e-?\d+)?|nan)",
    re.IGNORECASE,
)
NAMELESS = ("accuracy", "auc", "r2", "f1", "iou")
"""Metrics that mean the same in every unit of the targets."""


@dataclass(frozen=True)
class Ran:
    """What came of a run."""

    done: bool
    metric: float | None
    name: str
    seconds: float
    log: Path | None = None


def seeded(source: str, number: int) -> str:
    """Return a script with other seeds, the n-th; the first is its own."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _last(node.func) in SEEDING and node.args:
            if isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, int):
                node.args[0] = ast.Constant(node.args[0].value + number * STRIDE)
        elif isinstance(node, ast.keyword) and node.arg == "random_state" and isinstance(node.value, ast.Constant):
            node.value = ast.Constant(number * STRIDE)
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n"


def _last(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def run(work: Path, beside: Path, source: str, how: str = "plain", spending: int = SPENDING) -> Ran:
    """Run a script once, or return what is kept of it.

    plain: as users do; recorded: under `trainadvisor run --log`; still, unpaired: what it gets without learning.
    """
    key = hashlib.sha256(f"{how}\n{source}".encode()).hexdigest()[:16]
    folder = work / "runs" / key
    if not (folder / "ran.json").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for path in beside.iterdir():
            if path.is_file() and (path.suffix != ".py" or path.stem == "tinylm"):
                shutil.copy(path, folder / path.name)
        (folder / "train.py").write_text(source, encoding="utf-8")
        (folder / "ran.json").write_text(json.dumps(_made(folder, how, spending)), encoding="utf-8")
    kept = json.loads((folder / "ran.json").read_text(encoding="utf-8"))
    log = folder / "log.json"
    return Ran(kept["code"] == 0, kept["metric"], kept["name"], kept["seconds"], log if log.exists() else None)


def _made(folder: Path, how: str, spending: int) -> dict[str, object]:
    code, seconds = forked(folder, how, spending)
    metric, name = printed((folder / "out.txt").read_text(encoding="utf-8", errors="replace"))
    for path in folder.iterdir():
        if path.name not in ("train.py", "log.json", "out.txt"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    return {"code": code, "metric": metric, "name": name, "seconds": seconds}


def printed(told: str) -> tuple[float | None, str]:
    """Return the metric that a script printed last, with its name."""
    results = [line for line in told.splitlines() if line.startswith("RESULT ")]
    if results:
        try:
            held = json.loads(results[-1].removeprefix("RESULT "))
        except ValueError:
            return None, ""
        value = held.get("val_metric")
        return (None if value is None else float(value)), str(held.get("metric", ""))
    found = PRINTED.findall(told)
    return (float(found[-1][1]), found[-1][0].lower()) if found else (None, "")


def finite(values: list[float | None]) -> list[float]:
    """Return the numbers among metrics."""
    return [value for value in values if value is not None and math.isfinite(value)]
