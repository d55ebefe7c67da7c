"""Probe: optimizers made again and again at one line for the same parameters, and what each of them starts with."""

import math
from dataclasses import dataclass, field
from typing import Any

import torch

from trainadvisor.record.context import Context, Routine, probe
from trainadvisor.record.device_readback import Reading
from trainadvisor.record.handlers import unless_resting
from trainadvisor.record.objects.describe import sampled

# Numbers of one matrix by which it is known again.
_COMPARED = 64
# Renewals, and every so many after these, at which the counts are told.
_TOLD = frozenset({2, 3, 5, 10, 20, 50, 100, 200, 500, 1000})
_MOST_FIRSTS = 50


@dataclass
class Line:
    """The optimizers that one line made for the same parameters."""

    # Number of the first one.
    number: int
    made: int = 0
    # Those that began with weights where the one before had left them, and with no state though they keep one.
    forgetful: int = 0
    steps: int = 0
    firsts: list[int] = field(default_factory=list)
    # A few weights after the last step, kept from the second optimizer on.
    left: torch.Tensor | None = None
    # Whether the newest one, in its first step, began without any state.
    empty: bool = False


@probe(order=25)
class OptimizerRenewalProbe:
    """Writes events "optimizer-anew"."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._lines: dict[Any, Line] = {}
        # The line of each optimizer by its number.
        self._line_of: dict[int, Line] = {}
        # Lines that made a forgetful one, with the number of the newest.
        self._renewed: dict[int, tuple[int, Line]] = {}

    def rests_until(self, routine: Routine) -> float:
        """Rest while every optimizer that steps has stepped before."""
        return math.inf if self._line_of.keys() >= routine.stepped else routine.step

    @unless_resting
    def on_step_begins(self, optimizer: torch.optim.Optimizer, _: object) -> None:
        """Compare an optimizer that steps for the first time with the one that the same line made before."""
        number = self._number(optimizer)
        if number is None or number in self._line_of:
            return
        line = self._line_of[number] = self._lines.setdefault(self._key(optimizer, number), Line(number))
        line.made += 1
        line.empty = line.made > 1 and not optimizer.state
        if line.empty and line.left is not None:
            self._compare(optimizer, line)

    def on_step_ends(self, optimizer: torch.optim.Optimizer) -> None:
        """Count the step; from the second optimizer of a line on, keep a few weights."""
        number = self._number(optimizer)
        line = self._line_of.get(-1 if number is None else number)
        if line is None or number is None:
            return
        line.steps += 1
        if line.made > 1:
            keep(line, optimizer)
            if line.empty:
                line.empty = False
                self._begun(optimizer, line, number)

    def on_stop(self, _: str) -> None:
        """Tell the final counts."""
        for number, line in self._renewed.values():
            self._tell(number, line)

    def _number(self, optimizer: torch.optim.Optimizer) -> int | None:
        fact = self._context.objects.optimizers.get(id(optimizer))
        return None if fact is None else fact["id"]

    def _key(self, optimizer: torch.optim.Optimizer, number: int) -> Any:
        """Return what optimizers of one line have in common; one that no line is known of stands alone."""
        site = self._context.objects.optimizers[id(optimizer)]["site"]
        held = frozenset(id(p) for group in optimizer.param_groups for p in group["params"])
        return (type(optimizer), site["file"], site["line"], held) if site else number

    def _compare(self, optimizer: torch.optim.Optimizer, line: Line) -> None:
        now = _few(optimizer)
        if line.left is None or now.shape != line.left.shape or now.device != line.left.device:
            return
        step, number = self._context.step, self._context.step_number

        def arrived(values: list[float]) -> None:
            if values[0] == 0:
                line.forgetful += 1
                line.firsts = [*line.firsts, number][-_MOST_FIRSTS:]

        step.expect(self._context.values.read((now != line.left).sum()), arrived)

    def _begun(self, optimizer: torch.optim.Optimizer, line: Line, number: int) -> None:
        """Tell now and then that an optimizer with a memory began without one."""
        if not _remembers(optimizer):
            return
        self._renewed[id(line)] = number, line
        if line.made in _TOLD or line.made % 1000 == 0:
            self._tell(number, line)

    def _tell(self, number: int, line: Line) -> None:
        detail: dict[str, Any] = {"first": line.number, "optimizer": number, "made": line.made}

        def complete(_: list[float]) -> None:
            detail.update(forgetful=line.forgetful, steps=line.steps, firsts=line.firsts)

        self._context.event("optimizer-anew", "", detail, [(Reading([]), complete)])


def keep(line: Line, optimizer: torch.optim.Optimizer) -> None:
    """Keep a few weights as a step has left them."""
    line.left = _few(optimizer).clone()


def _few(optimizer: torch.optim.Optimizer) -> torch.Tensor:
    """Return a few numbers of the last matrix that the optimizer trains.

    Biases may be zero before and after a fresh start, and a unit of an earlier layer may be dead.
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    return sampled(next((p for p in reversed(parameters) if p.ndim > 1), parameters[-1]), _COMPARED)


def _remembers(optimizer: torch.optim.Optimizer) -> bool:
    """Return whether an optimizer keeps tensors of a parameter's shape from step to step."""
    if isinstance(optimizer, torch.optim.LBFGS):
        return False  # one of its steps is a whole search with a history of its own
    return any(
        isinstance(value, torch.Tensor) and value.shape == parameter.shape and value.ndim
        for parameter, state in optimizer.state.items()
        for value in state.values()
    )
