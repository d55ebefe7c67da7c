"""The players of a training in which optimizers take turns, as generator and discriminator do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.log.reader import RunLog

FAIR_TURN = 0.1  # of the steps of the phase: the rest is no player but a warm-up or an exception
MOST = 4
LONGEST_NAME = 40
OWNER = re.compile(r"([A-Za-z_][\w.]*)\.parameters\(")
ASSIGNED = re.compile(r"^\s*([A-Za-z_][\w.]*)\s*=[^=]")
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Player:
    """One of those who take turns: what the script calls it, and which steps are its own."""

    name: str
    steps: Mask


def players(log: RunLog) -> list[Player]:
    """Return the players in the order of their first turns; none where the same optimizers take every step."""
    column = log.column("opt")
    fair = [(number, used) for number, used in enumerate(log.turn_numbers) if used and _share(column, number)]
    held = {o["id"]: {p for group in o["groups"] for p in group["parameters"]} for o in log.optimizers}
    own: list[set[int]] = [set().union(*(held.get(one, set()) for one in used)) for _, used in fair]
    apart = all(own) and sum(map(len, own)) == len(set().union(*own))
    if not 1 < len(fair) <= MOST or not apart:
        return []
    return [
        Player(name, column == number)
        for (number, _), name in zip(fair, _named(log, [u for _, u in fair]), strict=True)
    ]


def _share(column: npt.NDArray[np.float64], number: int) -> bool:
    return bool(column.size) and float((column == number).mean()) >= FAIR_TURN


def _named(log: RunLog, turns: list[tuple[int, ...]]) -> Iterator[str]:
    """Yield what the script calls each: whose parameters the optimizer holds, or the optimizer itself."""
    by_id = {optimizer["id"]: optimizer for optimizer in log.optimizers}
    found = [[by_id[one] for one in used if one in by_id] for used in turns]
    names = [" + ".join(dict.fromkeys(_name(optimizer) for optimizer in used))[:LONGEST_NAME] for used in found]
    for place, name in enumerate(names, 1):
        yield name if names.count(name) == 1 and name else f"{name or 'optimizer'} {place}"


def _name(optimizer: dict[str, Any]) -> str:
    code = str((optimizer.get("site") or {}).get("code") or "")
    found = OWNER.search(code) or ASSIGNED.search(code)
    return found[1].removeprefix("self.") if found else str(optimizer.get("class") or "")
