"""What trainings print: one line a step with names and numbers, whichever program wrote it."""

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trainadvisor.importers.decode.tracked import flattened
from trainadvisor.importers.field_values import number
from trainadvisor.importers.metric_names import TRAIN, meaning, words_of
from trainadvisor.importers.opening import lines, text
from trainadvisor.importers.table import Row, Table

NAME = "printed lines"
RANK = 5
LONGEST = 12_000
FIGURE = r"[-+]?(?:\d+(?:,\d{3})*(?:\.\d*)?(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|nan|inf)(?![\w.])"
# Possessive, so that a long line without numbers takes time in proportion to its length.
NAME_BEFORE = r"""(?<![\w./@-])['"]?([A-Za-z_][\w./@-]*+(?:[ ](?!\d)[A-Za-z_][\w./@-]*+){0,3}+)['"]?"""
PAIR = re.compile(NAME_BEFORE + r"""(?:\s*\([^()]{0,20}\))?\s*[:=]\s*['"]?(""" + FIGURE + ")", re.IGNORECASE)
BESIDE = re.compile(
    r"\b((?:(?:train|val|valid|validation|eval|test)[ _]?)?(?:loss|norm|lr)|num_updates)\s+(" + FIGURE + ")",
    re.IGNORECASE,
)
STEP = re.compile(
    r"\b(?:global[ _])?(?:step|iteration|iter|it)s?\b\s*[:=#]?\s*\[?\s*(\d+)(?:\s*/\s*(\d+))?", re.IGNORECASE
)
EPOCH = re.compile(r"\b(?:epoch|pass)\b\s*[:=#]?\s*\[?\s*(\d+)\]?(?:\s*/\s*(\d+))?", re.IGNORECASE)
OF = re.compile(r"\[\s*(\d+)\s*/\s*(\d+)\s*(?:\(\d+%\))?\]")
# The count of tqdm: its bar, then "12/100 [".
COUNT = re.compile(r"\|\s*(\d+)/(\d+)\s*\[\d")
BAR = re.compile(r"^\s*(\d+)/(\d+)\s.{0,60}?(?:\[|━|\d+s)")
FIELD = re.compile(r"\|\s*([A-Za-z_][\w./]*)\s+(" + FIGURE + r")\s*(?=\||$)", re.IGNORECASE)
# A line about held-out data: by its first word, by a field of fairseq's, by Megatron's words.
HELD_OUT = re.compile(
    r"^[\W_]*(?:test|valid|validation|val|eval|evaluation|dev)\b(?!\w*[_ /.-]*(?:loss\b(?! at iter)|acc|cost))"
    r"|\|\s*(?:valid|test)\s*\||^\*\s*Acc@1",
    re.IGNORECASE,
)
SHORT = re.compile(r"\s*s:(\d+)\s")
LISTED = re.compile(r"([A-Za-z_][\w./ -]{0,40}?)\s*[:=]?\s*\[([-+\d.eE, nainf]+)\]")

CURVES = {"loss", "eval_loss", "part", "eval_part", "grad_norm", "lr", "metric", "train_metric", "figure"}
NEEDED = CURVES - {"lr", "figure"}


def matches(head: bytes, path: Path) -> bool:
    """Return whether a few of the first lines name a loss, a norm or a metric with its number."""
    del path
    start = text(head)
    return "\0" not in start[:1000] and any(
        _tells(_figures(line)) for line in start.splitlines() if len(line) < LONGEST
    )


def _tells(row: Row) -> bool:
    return any(meaning(name).role in {"loss", "eval_loss", "part", "eval_part", "grad_norm"} for name in row)


def read(path: Path) -> Table:
    """Return a row for each line that tells of a step or an epoch."""
    table = Table(NAME, (), hides_nan=True)
    table.rows = _rows(path, table)
    return table


def _rows(path: Path, table: Table) -> Iterator[Row]:
    gathered = _Gathered()
    held = False
    for line in lines(path):
        if len(line) > LONGEST or not line.strip():
            continue
        here = _told_place(line, table)
        if _is_unfinished(line):
            continue
        row = _object(line)
        if row is not None:
            yield row
            continue
        row = _held_out(_figures(line)) if held or HELD_OUT.search(line) else _figures(line)
        held = not row and HELD_OUT.match(line) is not None
        here.update(_count(row))
        yield from gathered.add(here, {name: value for name, value in row.items() if meaning(name).role in CURVES})
    yield from gathered.rest()


def _told_place(line: str, table: Table) -> Row:
    """Return step and epoch that a line names, unless it is the bar of an evaluation; note the total of the steps."""
    here, planned = _place(line)
    another = HELD_OUT.match(line) or table.planned_steps not in (None, planned)
    if planned is not None and COUNT.search(line) and another:
        return {}
    table.planned_steps = table.planned_steps or planned
    return here


class _Gathered:
    """Joins the figures of several lines about one step or epoch."""

    def __init__(self) -> None:
        self._place: Row = {}
        self._waiting: Row = {}

    def add(self, here: Row, curves: Row) -> Iterator[Row]:
        """Take the figures of a line, and yield those before where the step moved on or a name comes again."""
        moved = any(here.get(name, self._place.get(name)) != self._place.get(name) for name in ("step", "epoch"))
        if moved or set(curves) & set(self._waiting):
            yield from self.rest()
        if "step" not in here and here.get("epoch", self._place.get("epoch")) != self._place.get("epoch"):
            self._place.pop("step", None)
        self._place.update(here)
        self._waiting.update(curves)

    def rest(self) -> Iterator[Row]:
        """Yield what has been gathered."""
        if self._waiting:
            yield {**self._place, **self._waiting}
            self._waiting = {}


def _count(row: Row) -> Row:
    """Return the step that a figure counts under a name of its own, as fairseq's num_updates does."""
    counts = [value for name, value in row.items() if "updates" in name and meaning(name).role == "step"]
    return {"step": int(counts[0])} if counts and isinstance(counts[0], float) and math.isfinite(counts[0]) else {}


def _held_out(row: Row) -> Row:
    """Return the figures of a line that tells of held-out data, under names that say so."""
    told = {}
    for name, value in row.items():
        role = meaning(name).role
        plain = role in ("loss", "part", "train_metric") and not set(words_of(name)) & TRAIN
        told[f"val {name}" if plain else name] = value
    return told


def _is_unfinished(line: str) -> bool:
    """Return whether a line is a progress bar before its end, whose figures are those of a part of an epoch."""
    bar = BAR.match(line)
    return bar is not None and bar.group(1) != bar.group(2)


def _place(line: str) -> tuple[Row, int | None]:
    """Return step and epoch that a line names, and the total of the steps."""
    place: Row = {}
    epoch, step = EPOCH.search(line), COUNT.search(line) or STEP.search(line)
    if epoch is not None:
        place["epoch"] = int(epoch.group(1))
    short = SHORT.match(line) or OF.search(line, epoch.end(1) if epoch else 0)
    step = step or short
    if step is None:
        return place, None
    total = step.group(2) if step is not short and epoch is None else None
    return {**place, "step": int(step.group(1))}, int(total) if total else None


def _object(line: str) -> Row | None:
    """Return the JSON object that a line ends with, as fairseq prints it."""
    start = line.find('{"')
    if start < 0 or not line.rstrip().endswith("}"):
        return None
    try:
        return {name: _float(value) for name, value in flattened(json.loads(line[start:]))}
    except (ValueError, RecursionError):
        return None


def _figures(line: str) -> Row:
    """Return the names and numbers of a line."""
    row: Row = {}
    for pattern in (BESIDE, FIELD, PAIR):
        for name, value in pattern.findall(line):
            row[_named(name)] = _float(value.replace(",", ""))
    for name, values in LISTED.findall(line):
        _take_list(row, _named(name), [_float(value.strip()) for value in values.split(",")])
    if "lm loss value" in row:
        row["lm loss"] = row.pop("lm loss value")
    if "consumed samples" in row and _is_broken(row):
        row["lm loss"] = math.nan
    return row


def _take_list(row: Row, name: str, values: list[Any]) -> None:
    """Take the mean of a list of figures of merit, one a class, and the first of a list of rates, one a group."""
    known = [value for value in values if isinstance(value, float)]
    role = meaning(name).role
    if known and len(known) == len(values) and role in ("metric", "train_metric", "lr"):
        row.setdefault(name, known[0] if role == "lr" else sum(known) / len(known))


def _is_broken(row: Row) -> bool:
    """Return whether Megatron left out the loss, which it prints if it is at least 0, beside a gradient that is NaN."""
    norm = row.get("grad norm")
    return norm is not None and math.isnan(norm) and not any(meaning(name).role == "loss" for name in row)


def _named(name: str) -> str:
    """Return the name without the words before it that only lead to it."""
    words = name.strip().split(" ")
    while len(words) > 1 and words[0].lower() in {"info", "and", "with", "at", "the", "step", "epoch", "iter"}:
        words = words[1:]
    return " ".join(words)


def _float(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return float(value)
    except ValueError:
        return number(value)
