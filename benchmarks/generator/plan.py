"""Which trainings are run: healthy ones by number, and faulty variants of those that proved healthy."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bases import Spec, draw, identity

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).resolve().parent
FAULTS: dict[str, dict[str, Any]] = tomllib.loads((HERE / "faults.toml").read_text(encoding="utf-8"))


def healthy(count: int) -> list[Spec]:
    """Return the first healthy specifications."""
    return [draw(number) for number in range(count)]


def faulty(healthy: list[Spec], good: set[str], per_grade: int) -> list[Spec]:
    """Return faulty variants: each fault and grade is put into some of the good trainings that it fits.

    The selection changes little when more healthy trainings are drawn, so that earlier runs remain useful.
    """
    specs = []
    for name, grade in _grades():
        start = int(hashlib.sha256(f"{name} {grade}".encode()).hexdigest(), 16) % 60
        turned = healthy[start:] + healthy[:start]
        fitting = [base for base in turned if identity(base) in good and _fits(base, FAULTS[name])]
        specs += [twin(base, name, grade) for base in fitting[:per_grade]]
    return specs


def _grades() -> Iterator[tuple[str, Any]]:
    for name, fault in FAULTS.items():
        for grade in fault.get("grades", [None]):
            yield name, grade


def _fits(base: Spec, fault: dict[str, Any]) -> bool:
    return all(base.get(key) in allowed for key, allowed in fault.get("for", {}).items())


def twin(base: Spec, name: str, grade: Any) -> Spec:
    """Return the base with a fault in it."""
    fault = FAULTS[name]
    spec = {**base, "fault": [fault.get("as", name), grade], "label": name, "base": identity(base)}
    for key, change in fault.get("edit", {}).items():
        spec[key] = _edited(base.get(key), change, grade)
    return spec


def _edited(old: Any, change: Any, grade: Any) -> Any:
    if change == "=":
        return grade
    if change == "*":
        return type(old)(old * grade) if isinstance(old, float) else max(int(old * grade), 1)
    return change
