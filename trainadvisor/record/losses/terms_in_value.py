"""Finds what is part of a total by its value alone: taken out with item() or detach(), or made without graph.

What the terms with a graph leave of the total is the same multiple of a called loss in every step, or it belongs to no
call, is a noticeable part of the total, and changes from step to step: a number of the script's own does not.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch

from trainadvisor.instrument import call_sites
from trainadvisor.record.losses.loss_terms import Total

_ENOUGH = 4
_SAME, _LEAST, _MOVES = 2e-3, 1e-4, 0.02
_NOTICED = 0.05


@dataclass
class Summand:
    """One call of a loss function with a single number as its result."""

    kind: str
    place: call_sites.Place | None
    value: torch.Tensor
    serial: int | None

    @property
    def name(self) -> str:
        """Return the name of the function and its line."""
        return f"{self.kind} ({call_sites.shorten(self.place[0])}:{self.place[1]})" if self.place else self.kind


@dataclass
class _Series:
    ratios: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    refuted: bool = False

    def add(self, rest: float, value: float, total: float) -> bool:
        """Return whether what is left of the total has by now been the same multiple of a loss often enough."""
        if not value or abs(rest) <= _LEAST * max(abs(total), abs(value)):
            self.refuted = True
        if self.refuted:
            return False
        self.ratios.append(rest / value)
        self.values.append(value)
        middle = sorted(self.ratios)[len(self.ratios) // 2]
        self.refuted = any(abs(ratio - middle) > _SAME * abs(middle) for ratio in self.ratios)
        moved = max(self.values) - min(self.values) > _MOVES * abs(middle and max(self.values, key=abs))
        return not self.refuted and moved and len(self.ratios) >= _ENOUGH


@dataclass
class _Rest:
    """What no call explains: of one sign, noticeable in every step, and never the same."""

    values: list[float] = field(default_factory=list)
    refuted: bool = False

    def add(self, rest: float, total: float) -> bool:
        """Return whether what is left of the total has by now been seen often enough."""
        self.values.append(rest)
        self.refuted |= abs(rest) < _NOTICED * abs(total) or rest * self.values[0] <= 0
        apart = len(set(self.values)) == len(self.values)
        moved = max(self.values) - min(self.values) > _MOVES * max(map(abs, self.values))
        return not self.refuted and apart and moved and len(self.values) >= _ENOUGH


class TermsInValue:
    """Compares what is left of a total with the losses that were called and are not in its graph."""

    def __init__(self, found: Callable[[Summand, int], None]) -> None:
        """Take what is called with a loss that was found so, and the number of steps that show it."""
        self._found = found
        self._series: dict[str, _Series] = {}
        self._rests: dict[str, _Rest] = {}
        self._told: set[str] = set()

    def measure(
        self, total: Total, calls: list[Summand], whole: torch.Tensor, place: call_sites.Place | None
    ) -> tuple[torch.Tensor, Callable[[list[float]], None]] | None:
        """Return the numbers that have to be read and what takes them; None where a term's value is not known."""
        known = {call.serial: call for call in calls}
        if not total.terms or any(term.serial is None or term.serial not in known for term in total.terms):
            return None
        inside = {term.serial for term in total.terms}
        others = [call for call in calls if call.serial is None or call.serial not in inside]
        rest = whole.detach().double()
        for term in total.terms:
            rest = rest - term.scaled(known[term.serial].value.double())
        read = torch.stack([whole.detach().double().reshape(()), rest.reshape(()), *[c.value.double() for c in others]])

        def arrived(numbers: list[float]) -> None:
            for call, value in zip(others, numbers[2:], strict=True):
                self._add(call, numbers[1], value, numbers[0])
            self._add_rest(Summand("term without gradient", place, whole, None), others, numbers[1], numbers[0])

        return read, arrived

    def _add(self, call: Summand, rest: float, value: float, total: float) -> None:
        series = self._series.setdefault(call.name, _Series())
        if series.add(rest, value, total):
            self._tell(call, len(series.ratios))

    def _add_rest(self, unnamed: Summand, others: list[Summand], rest: float, total: float) -> None:
        series = self._rests.setdefault(unnamed.name, _Rest())
        named = any(not self._series[call.name].refuted for call in others)
        if series.add(rest, total) and not named:
            self._tell(unnamed, len(series.values))

    def _tell(self, summand: Summand, rounds: int) -> None:
        if summand.name not in self._told:
            self._told.add(summand.name)
            self._found(summand, rounds)
