"""Compares two runs: what was changed, its effect on findings and metrics, and whether that can be judged."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trainadvisor.judge.result import Diagnosis

STATES = {"broken": 0, "needs-attention": 1, "cannot-tell": 1, "healthy": 2}
# what has to be the same for a verdict, and the facts that a person may change to get one
ALIKE = {"model": "model_hash", "examples": "examples", "batch": "batch_median"}
SETTINGS = {
    "optimizer": "optimizer",
    "lr": "lr",
    "schedule": "schedule",
    "momentum": "momentum",
    "weight decay": "weight_decay",
    "loss": "loss_kind",
    "reduction": "loss_reduction",
    "batch": "batch_median",
    "model": "model_hash",
    "data": "examples",
    "workers": "workers",
    "seed": "seed",
    "planned steps": "planned_steps",
    "device": "device",
    "torch": "torch",
}
# The learning rate that another tool logged; the end counts only where both runs reached the same step.
RATES = {"lr": "lr_peak", "lr at the start": "lr_first", "lr at the end": "lr_final"}
# Rates that differ by less of the peak are the same.
SAME_RATE = 0.01
# A rate in the name of a file or folder: "lr5e-5", "run_2e-4", "lr0.01".
NAMED_RATE = re.compile(r"(?<![\d.])(\d(?:\.\d+)?e-\d{1,2})(?!\d)|lr[-_=]?(0?\.\d+)", re.IGNORECASE)
# Smaller relative changes of a final loss do not count, unless the noise of the validation is known.
NOISE = 0.05
# The loss of a constant answer on the same data in another order differs by less.
SAME_DATA = 1e-3

# An argument of a script that names a seed, with its value or in front of it.
SEED = re.compile(r"-{0,2}(?:\w*[-_.])?seed(?:=.*)?", re.IGNORECASE)


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
# What says how a loss is computed.
FUNCTION = {"loss": "loss_kind", "reduction": "loss_reduction"}


def compare(a: Diagnosis, b: Diagnosis, noise: Noise | None = None) -> Comparison:
    """Compare two runs; if they are not comparable the verdict is "unlike", but the metrics are still listed.

    Two models are compared by their validation alone, where it was made on the same data with the same loss.
    `noise` is what runs of other seeds say of chance.
    """
    before, after = _codes(a), _codes(b)
    unlike = tuple(_differing(a, b, ALIKE))
    last, stopped = _common(a, b)
    rows = tuple(_rows(a, b, last, noise))
    changed = tuple(_differing(a, b, SETTINGS) + _rates(a, b, same=False))
    fixed, new = _missing(before, after), _missing(after, before)
    by_validation = [name for name, *_ in unlike] == ["model"] and _validated_alike(a, b, rows)
    if by_validation:
        unlike, verdict = (), _ended(a, b, rows, _by_figures(a, b, rows, VALIDATION), VALIDATION)
    else:
        verdict = "unlike" if unlike else _ended(a, b, rows, _verdict(a, b, rows, _loud(a, fixed), _loud(b, new)))
    if verdict == "unlike":
        unlike = unlike or tuple(_differing(a, b, FUNCTION))
    return Comparison(
        a=a,
        b=b,
        changed=changed,
        same=tuple(_alike(a, b) + [name for name, *_ in _rates(a, b, same=True)]),
        unlike=unlike,
        fixed=fixed,
        kept=tuple(code for code in before if code in after),
        new=new,
        rows=rows,
        verdict=verdict,
        last=last,
        stopped=stopped,
        misnamed=_misnamed(a, b),
        unheeded=None if {name for name, *_ in changed} - {"seed"} else _unheeded(a, b),
        recoded=_recoded(a, b),
        by_validation=by_validation,
        noise=noise,
        ended=tuple((name, *end) for name, run in (("A", a), ("B", b)) if (end := ending(run)) is not None),
    )


def _validated_alike(a: Diagnosis, b: Diagnosis, rows: tuple[Row, ...]) -> bool:
    """Return whether both runs were validated on the same data with the same loss, as far as a log tells."""
    if _differing(a, b, FUNCTION) or _decisive(rows, VALIDATION) is None:
        return False
    data = [run.run.get("val_data") for run in (a, b)]
    return None not in data and all(math.isclose(x, y, rel_tol=SAME_DATA) for x, y in zip(*data, strict=True))


def _recoded(a: Diagnosis, b: Diagnosis) -> str | None:
    script, marks = a.run.get("script"), [run.run.get("script_mark") for run in (a, b)]
    return str(script) if script == b.run.get("script") and all(marks) and marks[0] != marks[1] else None


def arguments(run: Diagnosis) -> list[str]:
    """Return the arguments of a run's script without those that name its seed."""
    given = [str(word) for word in run.run.get("argv") or []]
    return [
        word
        for place, word in enumerate(given)
        if not SEED.fullmatch(word) and not (place and SEED.fullmatch(given[place - 1]) and "=" not in given[place - 1])
    ]


def _unheeded(a: Diagnosis, b: Diagnosis) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    one, other = arguments(a), arguments(b)
    alike = all(a.run.get(name) == b.run.get(name) for name in ("script", "steps"))
    return (tuple(one), tuple(other)) if one != other and alike else None


def _codes(run: Diagnosis) -> list[str]:
    return list(dict.fromkeys(item.code for item in run.walk()))


def _missing(codes: list[str], others: list[str]) -> tuple[str, ...]:
    return tuple(code for code in codes if code not in others)


def _loud(run: Diagnosis, codes: tuple[str, ...]) -> list[str]:
    """Return those of the codes that are warnings or errors."""
    return [item.code for item in run.walk() if item.code in codes and item.severity != "note"]


def _differing(a: Diagnosis, b: Diagnosis, facts: dict[str, str]) -> list[tuple[str, Any, Any]]:
    both = [(name, a.run[fact], b.run[fact]) for name, fact in facts.items() if fact in a.run and fact in b.run]
    return [entry for entry in both if entry[1] != entry[2]]


def _alike(a: Diagnosis, b: Diagnosis) -> list[str]:
    return [name for name, fact in SETTINGS.items() if fact in a.run and a.run[fact] == b.run.get(fact)]


def _rates(a: Diagnosis, b: Diagnosis, *, same: bool) -> list[tuple[str, float, float]]:
    """Return the logged rates of two runs of other tools that are the same, or those that are not."""
    if not a.run.get("source") == b.run.get("source") == "import":
        return []
    ends = a.run.get("steps") == b.run.get("steps")
    pairs = {name: (fact(a, rate), fact(b, rate)) for name, rate in RATES.items() if ends or rate != "lr_final"}
    peak = max((rate for pair in pairs.values() for rate in pair if rate is not None), default=0.0)
    known = [(name, x, y) for name, (x, y) in pairs.items() if x is not None and y is not None]
    told = [entry for entry in known if (abs(entry[1] - entry[2]) <= SAME_RATE * peak) == same]
    return [(name, float(f"{x:.3g}"), float(f"{y:.3g}")) for name, x, y in told]


def _misnamed(a: Diagnosis, b: Diagnosis) -> tuple[float, float, float] | None:
    """Return two rates by the names of the runs and the one logged by both, where these do not agree."""
    logged = next((x for name, x, _ in _rates(a, b, same=True) if name == "lr"), None)
    named = [_named_rate(str(run.run.get("log", ""))) for run in (a, b)]
    if logged is None or named[0] is None or named[1] is None or named[0] == named[1]:
        return None
    return named[0], named[1], logged


def _named_rate(path: str) -> float | None:
    found = NAMED_RATE.findall(path)
    return float("".join(found[-1])) if found else None


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
    if _differing(a, b, FUNCTION):
        rows = [replace(row, like=row.key not in LOSSES) for row in rows]
    return [row for row in rows if row.a is not None or row.b is not None]


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


def fact(run: Diagnosis, name: str) -> float | None:
    """Return a fact of a run as a number, None if it is none."""
    value = run.run.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


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
