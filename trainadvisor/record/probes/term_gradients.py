"""Probe: terms of a loss whose gradient gets to no parameter of an optimizer that steps on it."""

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from trainadvisor.instrument import call_sites, module_tables
from trainadvisor.record.context import Context, Routine, probe
from trainadvisor.record.handlers import unless_resting
from trainadvisor.record.losses.loss_calls import MARK
from trainadvisor.record.losses.loss_graph import metadata_of
from trainadvisor.record.losses.loss_terms import Term, Total, reach, take_apart
from trainadvisor.record.losses.terms_in_value import Summand, TermsInValue

# Backwards of each loss that are looked at, within the first steps of a run; some later ones besides.
_EACH, _FIRST_STEPS = 6, 60
_LATER = frozenset({10, 20, 50, 100, 200})
_MOST_CALLS, _MOST_OPEN = 16, 8
_ROUNDS = 3
# Steps after which a gradient that nobody has used or cleared is one that nobody will.
_PATIENCE = 5


# A term: its name, the total that it is part of, and its number in that.
_Key = tuple[str, str, int]


@dataclass
class _Share:
    """One term in one backward: the parameters that have its gradient and that nobody has used or cleared yet."""

    name: str
    place: call_sites.Place | None
    left: set[int]
    used: bool = False


@dataclass
class _Round:
    step: int
    shares: list[_Share]

    def settled(self, step: int) -> bool:
        return all(share.used or not share.left for share in self.shares) or step - self.step > _PATIENCE


@dataclass
class _Known:
    """What became of a term: in how many backwards it was part of the total, and in how many of no use."""

    place: call_sites.Place | None
    rounds: int = 0
    lost: int = 0
    told: tuple[int, int] = field(default=(0, 0))


@probe(order=60)
class LossTermsProbe:
    """Follows the gradient of each term from the backward to the step or to zero_grad."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._calls: list[Summand] = []
        self._open: list[_Round] = []
        self._known: dict[_Key, _Known] = {}
        self._looked_at: Counter[Any] = Counter()
        self._parted: set[Any] = set()
        self._values = TermsInValue(self._lost_in_value)

    def rests_until(self, routine: Routine) -> float:
        """Rest between the later steps that are looked at, while no term is followed."""
        if routine.step < _FIRST_STEPS or self._open or self._calls:
            return routine.step
        return min((step for step in _LATER if step >= routine.step), default=math.inf)

    @unless_resting
    def on_loss(self, kind: str, _: Any, __: Any, result: torch.Tensor) -> None:
        """Remember the calls of loss functions until the backward."""
        step = self._context.step_number
        if (step >= _FIRST_STEPS and step not in _LATER) or result.ndim or len(self._calls) >= _MOST_CALLS:
            return
        self._context.publish("marks_wanted")
        node = result.grad_fn
        serial = metadata_of(node).get(MARK) if node is not None else None
        self._calls.append(Summand(kind, call_sites.user_place(2), result.detach(), serial))

    @unless_resting
    def on_backward_begins(self, *args: Any) -> None:
        """Take the loss apart while its graph is there."""
        calls, self._calls = self._calls, []
        context = self._context
        root = context.losses.last_root
        if root is None or context.boundaries.in_step or not self._is_due(context.step.fields.get("loss_id")):
            return
        with torch.no_grad():
            total = take_apart(root)
            if len(total.terms) > 1:
                self._follow(total, calls)
            if total.constant:
                self._compare(total, calls, args[0][0] if args else ())

    def _is_due(self, loss: Any) -> bool:
        step = self._context.step_number
        if step >= _FIRST_STEPS or self._looked_at[loss] >= _EACH:
            return step in _LATER
        self._looked_at[loss] += 1
        return True

    def _follow(self, total: Total, calls: list[Summand]) -> None:
        place = call_sites.user_place(2)
        shares = [self._share(term, calls, place, number) for number, term in enumerate(total.terms)]
        if all(share is not None for share in shares):
            self._tell_parts([share for share in shares if share])
            self._open = [*self._open[1 - _MOST_OPEN :], _Round(self._context.step_number, [s for s in shares if s])]

    def _tell_parts(self, shares: list[_Share]) -> None:
        """Tell once, for each loss, which parameters a term shares with the others and which it has for itself."""
        loss, numbers = self._context.step.fields.get("loss_id"), self._context.objects.of_parameter
        if loss in self._parted:
            return
        self._parted.add(loss)
        terms = []
        for share in shares:
            others = set().union(*(other.left for other in shares if other is not share))
            sets = {"own": share.left - others, "without": others - share.left, "shared": others & share.left}
            parts = {name: sorted(numbers[key] for key in keys if key in numbers) for name, keys in sets.items()}
            terms.append({"name": share.name, "shared": len(parts.pop("shared")), **parts})
        if any(term["own"] and term["without"] and term["shared"] for term in terms):
            self._context.event("loss-terms", str(loss), {"summands": terms})

    def _share(self, term: Term, calls: list[Summand], place: call_sites.Place | None, number: int) -> _Share | None:
        """Return what is followed of a term, None where one cannot tell what gets its gradient."""
        reached = reach(term.node)
        if reached.opaque or any(not isinstance(leaf, nn.Parameter) for leaf in reached.tensors.values()):
            return None
        made = next((call for call in calls if call.serial is not None and call.serial == term.serial), None)
        name = made.name if made else f"term {number + 1}{_at(place)}"
        return _Share(name, made.place if made else place, set(reached.tensors))

    def _compare(self, total: Total, calls: list[Summand], tensors: Any) -> None:
        """Look whether what was added without gradient is a loss that was called."""
        tensor = tensors[0] if isinstance(tensors, tuple | list) and tensors else tensors
        if not isinstance(tensor, torch.Tensor):
            return
        context = self._context
        pair = self._values.measure(total, calls, context.scale.before(tensor), call_sites.user_place(2))
        if pair is not None:
            context.step.expect(context.values.read(pair[0]), pair[1])

    @unless_resting
    def on_step_begins(self, optimizer: torch.optim.Optimizer, _: object) -> None:
        """Count the gradients that this optimizer is about to use."""
        if self._open:
            held = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
            for share in self._shares():
                share.used |= not held.isdisjoint(share.left)

    @unless_resting
    def on_zero_grad(self, args: tuple[Any, ...], _: object, __: object) -> None:
        """Count the gradients that are cleared before anybody has used them."""
        if not self._open:
            return
        owner = args[0]
        if isinstance(owner, nn.Module):
            cleared = {id(parameter) for parameter in module_tables.parameters(owner)}
        else:
            cleared = {id(parameter) for group in owner.param_groups for parameter in group["params"]}
        for share in self._shares():
            share.left -= cleared
        self._settle()

    def _shares(self) -> list[_Share]:
        return [share for opened in self._open for share in opened.shares if not share.used]

    def _settle(self) -> None:
        step = self._context.step_number
        settled = [opened for opened in self._open if opened.settled(step)]
        self._open = [opened for opened in self._open if not opened.settled(step)]
        for opened in settled:
            if any(share.used for share in opened.shares):
                whole = " + ".join(share.name for share in opened.shares)
                for number, share in enumerate(opened.shares):
                    self._count((share.name, whole, number), share)

    def _count(self, key: _Key, share: _Share) -> None:
        known = self._known.setdefault(key, _Known(share.place))
        known.rounds += 1
        known.lost += not share.used
        if known.rounds == _ROUNDS:
            self._tell(key, known)

    def _lost_in_value(self, summand: Summand, rounds: int) -> None:
        key = (summand.name, "", 0)
        self._known[key] = known = _Known(summand.place, rounds, rounds)
        self._tell(key, known)

    def _tell(self, key: _Key, known: _Known) -> None:
        now = (known.rounds, known.lost)
        if known.lost and known.told != now:
            known.told = now
            detail = {"rounds": known.rounds, "lost": known.lost, "of": key[1], "number": key[2]}
            self._context.event("loss-term", key[0], {**detail, "site": call_sites.describe(known.place)})

    @unless_resting
    def on_close(self, _: object) -> None:
        """Give up on gradients that nobody uses."""
        if self._open:
            self._settle()

    def on_stop(self, _: str) -> None:
        """Tell the last state of the terms that were of no use."""
        for key, known in self._known.items():
            if known.rounds >= _ROUNDS:
                self._tell(key, known)


def _at(place: call_sites.Place | None) -> str:
    return f" ({call_sites.shorten(place[0])}:{place[1]})" if place else ""
