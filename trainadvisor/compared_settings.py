"""What two runs were given: settings that differ, arguments, rates that their names promise, the script's code."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trainadvisor.judge.result import Diagnosis

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
# What says how a loss is computed.
FUNCTION = {"loss": "loss_kind", "reduction": "loss_reduction"}
# An argument of a script that names a seed, with its value or in front of it.
SEED = re.compile(r"-{0,2}(?:\w*[-_.])?seed(?:=.*)?", re.IGNORECASE)


def differing(a: Diagnosis, b: Diagnosis, facts: dict[str, str]) -> list[tuple[str, Any, Any]]:
    """Return the facts of which both runs tell something, and not the same: name, value of A, value of B."""
    both = [(name, a.run[fact], b.run[fact]) for name, fact in facts.items() if fact in a.run and fact in b.run]
    return [entry for entry in both if entry[1] != entry[2]]


def alike(a: Diagnosis, b: Diagnosis) -> list[str]:
    """Return the settings that are the same in both runs."""
    return [name for name, fact in SETTINGS.items() if fact in a.run and a.run[fact] == b.run.get(fact)]


def rates(a: Diagnosis, b: Diagnosis, *, same: bool) -> list[tuple[str, float, float]]:
    """Return the logged rates of two runs of other tools that are the same, or those that are not."""
    if not a.run.get("source") == b.run.get("source") == "import":
        return []
    ends = a.run.get("steps") == b.run.get("steps")
    pairs = {name: (fact(a, rate), fact(b, rate)) for name, rate in RATES.items() if ends or rate != "lr_final"}
    peak = max((rate for pair in pairs.values() for rate in pair if rate is not None), default=0.0)
    known = [(name, x, y) for name, (x, y) in pairs.items() if x is not None and y is not None]
    told = [entry for entry in known if (abs(entry[1] - entry[2]) <= SAME_RATE * peak) == same]
    return [(name, float(f"{x:.3g}"), float(f"{y:.3g}")) for name, x, y in told]


def misnamed(a: Diagnosis, b: Diagnosis) -> tuple[float, float, float] | None:
    """Return two rates by the names of the runs and the one logged by both, where these do not agree."""
    logged = next((x for name, x, _ in rates(a, b, same=True) if name == "lr"), None)
    named = [_named_rate(str(run.run.get("log", ""))) for run in (a, b)]
    if logged is None or named[0] is None or named[1] is None or named[0] == named[1]:
        return None
    return named[0], named[1], logged


def _named_rate(path: str) -> float | None:
    found = NAMED_RATE.findall(path)
    return float("".join(found[-1])) if found else None


def recoded(a: Diagnosis, b: Diagnosis) -> str | None:
    """Return the script that both runs ran, where its code is not what it was; None if it is, or no log tells."""
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


def unheeded(a: Diagnosis, b: Diagnosis) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """Return the arguments of both runs where they differ although the script did as many steps; else None."""
    one, other = arguments(a), arguments(b)
    alike = all(a.run.get(name) == b.run.get(name) for name in ("script", "steps"))
    return (tuple(one), tuple(other)) if one != other and alike else None


def fact(run: Diagnosis, name: str) -> float | None:
    """Return a fact of a run as a number, None if it is none."""
    value = run.run.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
