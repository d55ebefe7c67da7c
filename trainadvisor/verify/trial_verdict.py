"""Compares a run with changes to the same run without: which metrics are clearly better, which worse."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainadvisor.verify import paired_gains
from trainadvisor.verify.metrics import Measure, comparable, measures
from trainadvisor.verify.resource_metrics import own_measures
from trainadvisor.verify.stdout_metrics import PRINTED, printed
from trainadvisor.verify.verify_result import Compared

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainadvisor.log.reader import RunLog
    from trainadvisor.verify.plan import Candidate

# An accuracy gain counts from 0.05 on, or from 0.02 if that is three tenths of the distance to 1.
LEAST_SHARE, MUCH_SHARE, OF_THE_ERROR = 0.02, 0.05, 0.3
# A loss counts as lower from a fifth on, or from a twentieth of the trivial loss if that is less.
OF_THE_LOSS, OF_TRIVIAL = 0.2, 0.05
OF_THE_COST = 0.15
TENFOLD = 10.0
# Share of the way from a trivial to a perfect prediction that a cure must cover.
USEFUL = 0.1


@dataclass(frozen=True)
class Pair:
    """Two runs with the same seeds, without and with the changes."""

    before: RunLog
    after: RunLog
    # The outputs of the two runs.
    said: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class Comparison:
    """One metric over all pairs."""

    name: str
    before: float
    after: float
    # The gains in the units of the metric.
    effect: paired_gains.Effect
    # The gains used for the decision: for positive losses the logarithms of their ratios, which agree over seeds.
    decision: paired_gains.Effect
    higher: bool
    held_out: bool
    own: bool
    useful: bool
    share: bool

    @property
    def better(self) -> bool:
        """Return whether it is clearly better, and better than a predictor that ignores its input."""
        return self.useful and self.decision.clear

    @property
    def worse(self) -> bool:
        """Return whether it is clearly worse."""
        lost = math.isnan(self.after) and not math.isnan(self.before)
        return lost or self.decision.losses > self.decision.wins

    @property
    def margin(self) -> float:
        """Return the gain above which it is clearly better, in units of the metric."""
        if self.decision is self.effect:
            return self.effect.margin
        return self.after * math.expm1(self.decision.margin)

    @property
    def interval(self) -> list[float] | None:
        """Return the interval of the gain by which it was decided, in units of the metric, cut to what is possible."""
        found = self.decision.interval
        if found is None or math.isnan(self.before) or math.isnan(self.after):
            return None
        low, high = found
        if self.decision is not self.effect:
            low, high = self.after * math.expm1(low), max(self.after * math.expm1(high), self.effect.mean)
        if self.share:
            lowest = 0.0 if "accuracy" in self.name else -math.inf
            low, high = max(low, lowest - self.before), min(high, 1.0 - self.before)
        elif self.decision is not self.effect:
            high = min(high, self.before)
        return [min(low, self.effect.mean), max(high, self.effect.mean)]

    def told(self) -> Compared:
        """Return it in the form used in the result."""
        return Compared(
            metric=self.name, before=self.before, after=self.after, gain=self.effect.mean,
            margin=self.margin, better=self.better, worse=self.worse,
        )  # fmt: skip


def compare(pairs: Sequence[Pair], candidate: Candidate) -> list[Comparison]:
    """Return the metrics that are comparable in every pair; a finding's own measures first.

    Printed metrics count only if nothing recorded is about held-out data.
    """
    own = own_measures(pairs[0].before, candidate.measures)
    tables = [(_all(pair.before, candidate.measures), _all(pair.after, candidate.measures)) for pair in pairs]
    found = _like_for_like(tables, candidate, own)
    if own or any(item.held_out for item in found):
        return found
    said = [(printed(pair.said[0]), printed(pair.said[1])) for pair in pairs]
    return [*_like_for_like(said, candidate, own), *found]


def _like_for_like(
    tables: Sequence[tuple[dict[str, Measure], dict[str, Measure]]], candidate: Candidate, own: dict[str, Measure]
) -> list[Comparison]:
    names = [name for name in tables[0][0] if all(name in one and name in two for one, two in tables)]
    found = []
    for name in names:
        both = [(one[name], two[name]) for one, two in tables]
        if all(comparable(one, two, rescaled=candidate.rescales_loss) for one, two in both):
            found.append(_comparison(both, own=name in own))
    return found


def _all(log: RunLog, own: tuple[str, ...]) -> dict[str, Measure]:
    return {**own_measures(log, own), **measures(log)}


def _comparison(both: list[tuple[Measure, Measure]], *, own: bool) -> Comparison:
    first = both[0][0]
    gains = [_gain(one, two) for one, two in both]
    before = _mean([one.value for one, _ in both])
    after = _mean([two.value for _, two in both])
    noises = [_noise(one, two) for one, two in both]
    least = max(_least(one, two, own=own) for one, two in both)
    useful = own or all(_useful(one, two) for one, two in both)
    effect = paired_gains.effect(gains, noises, least)
    return Comparison(
        name=first.name, before=before, after=after, effect=effect, decision=_ratios(both, gains, own=own) or effect,
        higher=first.higher, held_out=first.held_out, own=own, useful=useful,
        share=first.share,
    )  # fmt: skip


def _ratios(both: list[tuple[Measure, Measure]], gains: list[float], *, own: bool) -> paired_gains.Effect | None:
    """Return the effect on positive losses and costs from their ratios; gains above tenfold count as tenfold."""
    afters = [two.value for _, two in both]
    befores = [after + gain for after, gain in zip(afters, gains, strict=True)]
    if both[0][0].higher or not all(value > 0 for value in (*befores, *afters)):
        return None
    told = [min(math.log(before / after), math.log(TENFOLD)) for before, after in zip(befores, afters, strict=True)]
    noises = [_noise(one, two) / two.value for one, two in both]
    shares = [_least(*pair, own=own) / before for pair, before in zip(both, befores, strict=True)]
    return paired_gains.effect(told, noises, -math.log1p(-max(shares)))


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _gain(one: Measure, two: Measure) -> float:
    """Return by how much the second is better; a non-finite value counts as that of a trivial predictor."""
    before = _stand_in(one, two) if math.isnan(one.value) else one.value
    if one.share and one.trivial == 0.0 and two.value > 0.0:
        before = max(before, 0.0)  # how far below a constant prediction runs end varies greatly between seeds
    after = before - 1.0 if math.isnan(two.value) else two.value
    if math.isnan(one.value) and math.isnan(two.value):
        return 0.0
    gain = after - before if one.higher else before - after
    return -abs(gain) if math.isnan(two.value) else gain


def _stand_in(one: Measure, two: Measure) -> float:
    """Return the stand-in for a non-finite value, on the scale of the second run, which a change may have altered."""
    trivial = two.trivial if two.trivial is not None else one.trivial
    return trivial if trivial is not None else two.value + (-1.0 if one.higher else 1.0) * max(abs(two.value), 1e-12)


def _noise(one: Measure, two: Measure) -> float:
    """Return the noise of a gain: accuracies scatter in both runs, the scatter of a broken run is part of its fault."""
    both = one.share and "accuracy" in one.name
    return math.hypot(one.noise, two.noise) if both else two.noise


def _least(one: Measure, two: Measure, *, own: bool) -> float:
    """Return the smallest gain that matters."""
    value = _stand_in(one, two) if math.isnan(one.value) else one.value
    if one.share and one.trivial is None:
        return max(MUCH_SHARE, USEFUL * (1.0 - value))
    if one.share:
        return min(MUCH_SHARE, max(LEAST_SHARE, OF_THE_ERROR * (1.0 - min(value, 1.0))))
    if own:
        return OF_THE_COST * abs(value)
    least = OF_THE_LOSS * abs(value)
    return min(least, OF_TRIVIAL * abs(one.trivial)) if one.trivial is not None else least


def _useful(one: Measure, two: Measure) -> bool:
    """Return whether the second value is better than that of a predictor that ignores its input."""
    if math.isnan(two.value):
        return False
    if two.trivial is None:
        return True
    if two.share:
        return two.value > two.trivial + USEFUL * (1.0 - two.trivial)
    # the first printed value may already be learned: the run without the changes may show where it began
    start = max(two.trivial, one.trivial or two.trivial) if PRINTED in two.basis else two.trivial
    return two.value < start - USEFUL * abs(start)


def best(found: Sequence[Comparison]) -> Comparison | None:
    """Return the first decisive metric that is clearly better, None if there is none or an important one is worse.

    A finding's own measures decide alone; held-out metrics come before training metrics.
    """
    own = [item for item in found if item.own]
    held_out = [item for item in found if item.held_out]
    deciding = own or held_out or list(found)
    if _spoiled(found, own=bool(own)):
        return None
    return next((item for item in deciding if item.better), None)


def _spoiled(found: Sequence[Comparison], *, own: bool) -> bool:
    """Return whether the metrics that users look at first (held-out accuracy or R2) became worse."""
    telling = [item for item in found if not item.own and (item.held_out or own)]
    first = [item for item in telling if item.share] or telling
    return bool(first) and first[0].worse


def gain_of(found: Sequence[Comparison]) -> float:
    """Return a sort key for candidates: the gain in the first informative metric, in units of what matters."""
    chosen = best(found) or next((item for item in found if item.own or item.held_out), None)
    chosen = chosen or next(iter(found), None)
    return chosen.decision.mean / max(chosen.decision.margin, 1e-12) if chosen else 0.0
