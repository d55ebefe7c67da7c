"""Decides at which steps the expensive tiers are sampled, within a budget of time."""

import math
import re
from collections import deque
from dataclasses import dataclass, field
from statistics import median

from trainadvisor.errors import UsageError

# Part of the training's time that recording may take.
DEFAULT_SHARE = 0.01
FIRST_STEPS = 3
# Time that may be spent beyond the share on the first samples: short runs are looked at closely.
_BURST_SECONDS = 0.25
# For so many steps of the cadence, then no more than a part of the time so far: long runs pay the share only.
_FREE_STEPS, _CLOSE_STEPS, _CLOSE_PART = 100, 400, 0.05
# Part of the share that samples may take from then on; the rest is for the steps after them, which are not plain yet.
_LATE_PART = 0.65
# Whatever the budget, a step 1.2 times as far as the last sample is one: 13 in a factor of ten, so the end is seen.
_GROWTH = 1.2
# Half as often where a tier has spent so many times its share already, and so many steps apart at least.
_DEAR, _GROWTH_WHEN_DEAR, _APART_WHEN_DEAR = 3.0, 1.5, 6
# Parts of what the scalars leave that gradients and layers get.
_PARTS = (0.4, 0.6)
# Seconds that one sample of a model's layers may take at least, and the part of a plain step's time that it may.
_LEAST_ALLOWED, _PART_OF_STEP = 0.025, 0.1
# Steps of a kind from which their usual time is known.
_FEW = 5

# Steps that all processes of a training sample, so that what they measured can be put together.
COMMON = frozenset({*range(1, FIRST_STEPS + 1), *(math.ceil(_GROWTH**power) for power in range(120))})


def share_of(given: object) -> float:
    """Return a budget, "1 %" or 0.01, as a part of one; raise UsageError for anything else."""
    found = re.fullmatch(r"\s*([\d.]+(?:e-?\d+)?)\s*(%?)\s*", str(given))
    try:
        share = float(found[1]) / (100 if found[2] else 1) if found else math.nan
    except ValueError:
        share = math.nan
    if not 0 < share < 1:
        message = (
            f'overhead={given!r}: no part of the time; give a share such as "1 %" or 0.01, more than 0 and below 1'
        )
        raise UsageError(message)
    return share


@dataclass
class Tier:
    """One tier: at most every `every` steps, and only while its cost stays within its share of the run's time."""

    every: int
    share: float
    # Twice as often in the first steps.
    early: bool = False
    burst: float = _BURST_SECONDS
    spent: float = 0.0
    cost: float = 0.0
    last: int = -1
    forced: bool = field(default=False)
    # Whether other processes sample the same training.
    common: bool = False
    samples: int = 0
    # Times that the cadence would have sampled and the budget did not allow.
    held_back: int = 0
    _wait_until: int = 0

    def due(self, step: int, elapsed: float) -> bool:
        """Return whether this step is sampled, given the seconds since the run began."""
        if self.forced or (self.common and step in COMMON):
            self.forced = False
            return True
        waits = step < self._wait_until or step - self.last < self._gap(step)
        if waits and step >= FIRST_STEPS:
            return False
        dear = self.spent > self.burst + _DEAR * self.share * elapsed
        if step < FIRST_STEPS and not dear:
            return True
        if waits:
            return False
        sparse = max(_GROWTH_WHEN_DEAR * self.last, self.last + _APART_WHEN_DEAR)
        if step >= (sparse if dear else _GROWTH * self.last):
            return True
        fits = self.spent + self.cost <= self._burst(step, elapsed) + self._part(step) * elapsed
        if not fits:
            self.held_back += 1
            self._wait_until = self._fits_from(
                step, elapsed, max(step + 1, math.ceil(sparse if dear else _GROWTH * self.last))
            )
        return fits

    def _fits_from(self, step: int, elapsed: float, sampled: int) -> int:
        """Return the step at which to ask again: half of the way to where a sample fits, at the pace so far.

        Half, because steps may become slower. From the step `sampled` on there is a sample anyway.
        """
        if step < _CLOSE_STEPS:
            return min(step + self.every, sampled)
        part = self._part(step)
        needed = (self.spent + self.cost) / part if part > 0 else math.inf
        far = 0.5 * step * (needed / max(1e-9, elapsed) - 1)
        return sampled if far > sampled - step else min(sampled, step + max(self.every, int(far)))

    def _burst(self, step: int, elapsed: float) -> float:
        """Return the seconds that the samples so far may have taken beyond the share."""
        if step < _FREE_STEPS or self.burst == math.inf:
            return self.burst
        return min(self.burst, _CLOSE_PART * elapsed) if step < _CLOSE_STEPS else 0.0

    def _part(self, step: int) -> float:
        """Return the part of the time that samples may take by our clock."""
        return self.share if step < _CLOSE_STEPS else _LATE_PART * self.share

    def due_from(self, step: int) -> float:
        """Return a step before which, from this one on, none is sampled."""
        return step if self.common or step < FIRST_STEPS else max(self._wait_until, self.last + self._gap(step))

    def _gap(self, step: int) -> int:
        """Return the distance to keep: dense at the start, growing with the step up to `every`."""
        every = max(1, self.every // 2) if self.early and step < _FREE_STEPS else self.every
        return min(every, max(1, -(-step // 8)))

    def charge(self, step: int, seconds: float) -> None:
        """Book the seconds that sampling a step took; one slow sample counts at most three times the usual."""
        usual = self.cost or seconds
        self.cost = 0.8 * usual + 0.2 * min(seconds, 3 * usual)
        self.spent += min(seconds, 3 * usual)
        self.last = step
        self.samples += 1


class _Usual:
    """The recent steps of one kind: the seconds that they took, and those of them that were ours."""

    def __init__(self, most: int) -> None:
        self.whole: deque[float] = deque(maxlen=most)
        self.own: deque[float] = deque(maxlen=most)

    def add(self, whole: float, own: float) -> None:
        self.whole.append(whole)
        self.own.append(own)

    @property
    def known(self) -> bool:
        return len(self.whole) >= _FEW

    def spread(self) -> float:
        """Return how far a step is from the usual one in the median."""
        middle = median(self.whole)
        return median(abs(seconds - middle) for seconds in self.whole)


class Budget:
    """Divides a part of the training's time among the tiers; what the scalars of every step cost comes first."""

    def __init__(self, share: float, every: int, *, common: bool = False) -> None:
        """Take the part, the cadence of the layers, and whether other processes sample the same training."""
        self.share = share
        # Part of the time that the scalars take.
        self.scalars = 0.0
        self._plain, self._common = math.inf, common
        self.gradients = Tier(every, share=_PARTS[0] * share, early=True, common=common)
        self.layers = Tier(every, share=_PARTS[1] * share, common=common)
        self._light, self._with_gradients, self._with_layers = _Usual(31), _Usual(9), _Usual(9)

    def allowed(self) -> float:
        """Return the seconds that one sample may take: no bound where several processes have to measure the same."""
        if self._common:
            return math.inf
        return max(_LEAST_ALLOWED, _PART_OF_STEP * self._plain if self._plain < math.inf else 0.0)

    def book(self, step: int, seconds: float, own: float, gradients: bool, layers: bool) -> None:  # noqa: FBT001 - at every step
        """Take what a step took as a whole and how much of it was ours; charge the tier that was sampled."""
        self._plain = min(self._plain, max(0.0, seconds - own))
        tier, usual = (self.layers, self._with_layers) if layers else (self.gradients, self._with_gradients)
        if not gradients and not layers:
            self._light.add(seconds, own)
            return
        usual.add(seconds, own)
        tier.charge(step, self._cost(usual, own))
        if layers:  # a sample of the layers holds one of the gradients
            self.gradients.last = step
            if step == 0 and tier.spent > tier.burst:  # finding so large a model has used up the burst of both
                self.gradients.spent = tier.spent
        if self._light.known:
            self._reserve()

    def book_plain(self, seconds: float, own: float) -> None:
        """Take the same of a step of which nothing was sampled."""
        plain = seconds - own
        if plain < self._plain:
            self._plain = max(0.0, plain)
        self._light.whole.append(seconds)
        self._light.own.append(own)

    def _cost(self, usual: _Usual, own: float) -> float:
        """Return what a sample cost: by our clock, or by how much longer such steps take, where that stands out."""
        if not self._light.known:
            return own
        cost = max(0.0, own - median(self._light.own))
        longer = median(usual.whole) - median(self._light.whole) if usual.known else 0.0
        return longer if longer > cost + 3 * self._light.spread() else cost

    def _reserve(self) -> None:
        """Give the tiers what the scalars leave."""
        self.scalars = median(self._light.own) / max(1e-9, median(self._light.whole))
        left = max(0.0, self.share - self.scalars)
        self.gradients.share, self.layers.share = (part * left for part in _PARTS)

    @property
    def backed_off(self) -> bool:
        """Return whether samples were left out because they would have cost too much."""
        return self.gradients.held_back + self.layers.held_back > 0

    def fact(self) -> dict[str, object]:
        """Return how the budget was spent, for the log."""
        tiers = {"gradients": self.gradients, "layers": self.layers}
        return {
            "budget": self.share, "scalars": self.scalars, "backed_off": self.backed_off,
            "samples": {name: tier.samples for name, tier in tiers.items()},
            "seconds": {name: tier.spent for name, tier in tiers.items()},
        }  # fmt: skip


class Jumps:
    """Tells a value that is far above its running mean, once the mean is worth something."""

    def __init__(self, times: float, steady_after: int) -> None:
        """Take how many times the mean a jump is, and the step after which there can be one."""
        self._times, self._steady_after = times, steady_after
        self._usual = 0.0

    def is_one(self, step: int, size: float) -> bool:
        """Take the value of a step, and return whether it jumped; a value that is not finite does."""
        if step <= self._steady_after:
            if math.isfinite(size):
                self._usual = max(self._usual + 0.1 * (size - self._usual), size)
            return False
        jumped = not size <= self._times * self._usual
        if not jumped and math.isfinite(size):
            self._usual += 0.1 * (size - self._usual)
        return jumped
