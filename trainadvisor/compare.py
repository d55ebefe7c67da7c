"""Compares two runs: what was changed, its effect on findings and metrics, and whether that can be judged."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from trainadvisor.compared_settings import (
    ALIKE,
    FUNCTION,
    SETTINGS,
    alike,
    differing,
    fact,
    misnamed,
    rates,
    recoded,
    unheeded,
)

if TYPE_CHECKING:
    from trainadvisor.judge.result import Diagnosis

STATES = {"broken": 0, "needs-attention": 1, "cannot-tell": 1, "healthy": 2}
# Smaller relative changes of a final loss do not count, unless the noise of the validation is known.
NOISE = 0.05
# The loss of a constant answer on the same data in another order differs by less.
SAME_DATA = 1e-3


@dataclass(frozen=True)
class Noise:
    """How far two runs may differ by chance in each figure, as runs show that differ in their seed alone."""

    runs: int
    margins: dict[str, float]


@dataclass(frozen=True)
class Row:
    """One metric of both runs; `change` is relative, or None if undefined."""

    key: str
    a: float | None
    b: float | None
    form: str = "number"
    step: int | None = None
    # The largest difference that chance explains; None if not known.
    margin: float | None = None
    # Whether both values are of one function.
    like: bool = True
    # What the script calls the metric, of a row of its own.
    metric: str = ""

    @property
    def beyond(self) -> bool | None:
        """Return whether the runs differ by more than chance explains, None if that is not known."""
        return None if None in (self.a, self.b, self.margin) or not self.like else abs(self.b - self.a) > self.margin  # type: ignore[operator]

    @property
    def change(self) -> float | None:
        """Return the change relative to run A."""
        known = self.like and self.a is not None and self.b is not None and self.a
        return (self.b - self.a) / abs(self.a) if known else None  # type: ignore[operator,arg-type]


@dataclass(frozen=True)
class Comparison:
    """What differs between run A and run B."""

    a: Diagnosis
    b: Diagnosis
    changed: tuple[tuple[str, Any, Any], ...]
    same: tuple[str, ...]
    unlike: tuple[tuple[str, Any, Any], ...]
    fixed: tuple[str, ...]
    kept: tuple[str, ...]
    new: tuple[str, ...]
    rows: tuple[Row, ...]
    verdict: str
    last: int | None
    stopped: str | None
    # The rates in the names of both runs and the one that both logged, where the names promise a difference.
    misnamed: tuple[float, float, float] | None = None
    # Arguments of the script that only one of the runs has, where no recorded setting differs.
    unheeded: tuple[tuple[str, ...], tuple[str, ...]] | None = None
    # The script whose code is not what it was, where the runs tell.
    recoded: str | None = None
    # Whether the models differ, and only what both were validated on is alike.
    by_validation: bool = False
    noise: Noise | None = None
    # The runs that did not come to their end, by letter, with how they ended and the error or their steps.
    ended: tuple[tuple[str, str, str], ...] = ()

    @property
    def decided_by(self) -> Row | None:
        """Return the metric that the verdict rests on if the findings do not differ, or do not count."""
        return _decisive(self.rows, VALIDATION if self.by_validation else DECISIVE)


LOSSES = ("compare.val", "compare.loss-at", "compare.loss")
# What decides, the first that both runs tell; the higher the better where it is no loss.
DECISIVE = (*LOSSES, "compare.accuracy")
# What decides between two models.
VALIDATION = ("compare.val", "compare.accuracy")


def compare(a: Diagnosis, b: Diagnosis, noise: Noise | None = None) -> Comparison:
    """Compare two runs; if they are not comparable the verdict is "unlike", but the metrics are still listed.

    Two models are compared by their validation alone, where it was made on the same data with the same loss.
    `noise` is what runs of other seeds say of chance.
    """
    before, after = _codes(a), _codes(b)
    unlike = tuple(differing(a, b, ALIKE))
    last, stopped = _common(a, b)
    rows = tuple(_rows(a, b, last, noise))
    changed = tuple(differing(a, b, SETTINGS) + rates(a, b, same=False))
    fixed, new = _missing(before, after), _missing(after, before)
    by_validation = [name for name, *_ in unlike] == ["model"] and _validated_alike(a, b, rows)
    if by_validation:
        unlike, verdict = (), _ended(a, b, rows, _by_figures(a, b, rows, VALIDATION), VALIDATION)
    else:
        verdict = "unlike" if unlike else _ended(a, b, rows, _verdict(a, b, rows, _loud(a, fixed), _loud(b, new)))
    if verdict == "unlike":
        unlike = unlike or tuple(differing(a, b, FUNCTION))
    return Comparison(
        a=a,
        b=b,
        changed=changed,
        same=tuple(alike(a, b) + [name for name, *_ in rates(a, b, same=True)]),
        unlike=unlike,
        fixed=fixed,
        kept=tuple(code for code in before if code in after),
        new=new,
        rows=rows,
        verdict=verdict,
        last=last,
        stopped=stopped,
        misnamed=misnamed(a, b),
        unheeded=None if {name for name, *_ in changed} - {"seed"} else unheeded(a, b),
        recoded=recoded(a, b),
        by_validation=by_validation,
        noise=noise,
        ended=tuple((name, *end) for name, run in (("A", a), ("B", b)) if (end := ending(run)) is not None),
    )


def _validated_alike(a: Diagnosis, b: Diagnosis, rows: tuple[Row, ...]) -> bool:
    """Return whether both runs were validated on the same data with the same loss, as far as a log tells."""
    if differing(a, b, FUNCTION) or _decisive(rows, VALIDATION) is None:
        return False
    data = [run.run.get("val_data") for run in (a, b)]
    return None not in data and all(math.isclose(x, y, rel_tol=SAME_DATA) for x, y in zip(*data, strict=True))


def _codes(run: Diagnosis) -> list[str]:
    return list(dict.fromkeys(item.code for item in run.walk()))


def _missing(codes: list[str], others: list[str]) -> tuple[str, ...]:
    return tuple(code for code in codes if code not in others)


def _loud(run: Diagnosis, codes: tuple[str, ...]) -> list[str]:
    """Return those of the codes that are warnings or errors."""
    return [item.code for item in run.walk() if item.code in codes and item.severity != "note"]


def _common(a: Diagnosis, b: Diagnosis) -> tuple[int | None, str | None]:
    """Return the last step that both runs reached, and which of them ended there."""
    end_a, end_b = _end(a), _end(b)
    if end_a is None or end_b is None:
        return None, None
    return min(end_a, end_b), None if end_a == end_b else "A" if end_a < end_b else "B"


def _end(run: Diagnosis) -> int | None:
    curve = run.run.get("loss_curve")
    return int(curve[-1][0]) if curve else None


def _at(run: Diagnosis, step: int) -> float | None:
    """Return the loss of the stretch that ends closest to a step."""
    curve = run.run.get("loss_curve") or []
    return float(min(curve, key=lambda point: abs(point[0] - step))[1]) if curve else None


def _rows(a: Diagnosis, b: Diagnosis, last: int | None, noise: Noise | None) -> list[Row]:
    margins = noise.margins if noise else {}
    level = margins.get("compare.loss")
    rows = [Row("compare.loss-at", _at(a, last), _at(b, last), step=last, margin=level)] if last is not None else []
    rows += [
        Row(key, fact(a, name), fact(b, name), form, margin=margins.get(key)) for key, (name, form) in FIGURES.items()
    ]
    place = next((n + 1 for n, row in enumerate(rows) if row.key == "compare.accuracy"), len(rows))
    rows[place:place] = _metrics(a, b)
    if differing(a, b, FUNCTION):
        rows = [replace(row, like=row.key not in LOSSES) for row in rows]
    return [row for row in rows if row.a is not None or row.b is not None]


def _metrics(a: Diagnosis, b: Diagnosis) -> list[Row]:
    """Return the last values of the metrics that both scripts hand over or print; our own accuracy has its row."""
    last = [{told["name"]: told["last"] for told in run.run.get("task_metrics") or ()} for run in (a, b)]
    names = [name for name in last[0] if name in last[1] and name not in ("", "accuracy")]
    return [Row("compare.metric", last[0][name], last[1][name], metric=name) for name in names]


FIGURES = {
    "compare.loss": ("loss_final", "number"),
    "compare.val": ("val_loss_final", "number"),
    "compare.accuracy": ("val_accuracy_final", "share"),
    "compare.update": ("update_ratio_median", "ratio"),
    "compare.grad": ("grad_norm_median", "ratio"),
    "compare.time": ("step_time_p50", "time"),
    "compare.wait": ("wait_share", "share"),
    "compare.memory": ("memory", "memory"),
}


def _verdict(a: Diagnosis, b: Diagnosis, rows: tuple[Row, ...], fixed: list[str], new: list[str]) -> str:
    if STATES[a.state] != STATES[b.state]:
        return "better" if STATES[b.state] > STATES[a.state] else "worse"
    if fixed and new:
        return "mixed"
    if fixed or new:
        return "better" if fixed else "worse"
    return _by_figures(a, b, rows)


def ending(run: Diagnosis) -> tuple[str, str] | None:
    """Return how a run ended before its end: "crashed" with the error, "unfinished" with its steps; else None."""
    error, end = run.run.get("exception"), run.run.get("end")
    if error:
        return "crashed", str(error.get("type"))
    recorded = run.run.get("source") == "recorder"
    broke_off = end in ("interrupted", "cut") or (recorded and end is None)
    return ("unfinished", str(run.run.get("steps", 0))) if broke_off else None


def _ended(a: Diagnosis, b: Diagnosis, rows: tuple[Row, ...], verdict: str, keys: tuple[str, ...] = DECISIVE) -> str:
    """Return the verdict in view of how the runs ended: a crash is no gain, and half a run shows half of its faults."""
    ends = [(ending(run) or ("", ""))[0] for run in (a, b)]
    if ends.count("crashed") == 1 and ends[1] == "crashed":
        return "worse"
    return _by_figures(a, b, rows, keys) if ends.count("unfinished") == 1 and "crashed" not in ends else verdict


def _by_figures(a: Diagnosis, b: Diagnosis, rows: tuple[Row, ...], keys: tuple[str, ...] = DECISIVE) -> str:
    row = _decisive(rows, keys)
    if row is None or row.a is None or row.b is None:
        return "equal" if all(row.like for row in rows) else "unlike"
    better = row.b < row.a if row.key in LOSSES else row.b > row.a
    if row.beyond is not None:
        return "equal" if not row.beyond else "better" if better else "worse"
    noise = max((fact(run, "val_noise") or 0.0 for run in (a, b)), default=0.0) if row.key == "compare.val" else 0.0
    if abs(row.b - row.a) <= max(2 * noise, NOISE * abs(row.a)):
        return "equal"
    return "better" if better else "worse"


def _decisive(rows: tuple[Row, ...], keys: tuple[str, ...]) -> Row | None:
    return next((row for key in keys for row in rows if row.key == key and row.change is not None), None)
