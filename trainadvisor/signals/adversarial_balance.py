"""Which of two opponents wins: the losses of generator and discriminator, each by itself."""

import numpy as np

from trainadvisor.log.curves.players import players
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import robust_statistics, signal
from trainadvisor.signals.curves import OPPOSING, SOME, imported
from trainadvisor.signals.memory import remembered
from trainadvisor.signals.policy_curves import late
from trainadvisor.signals.robust_statistics import Series, median

NEEDS = {"needs": "the losses of two opponents, neither below 0", "zh": "对抗双方各自的损失，且都不低于 0"}
BOTH = 2


@remembered
def opponents(log: RunLog) -> list[tuple[str, Series]]:
    """Name and losses of each of two opponents, the one with the lower late level first; none of other trainings."""
    if imported(log):
        known = [(name, log.column(name)) for name in log.more_columns if OPPOSING.search(name)]
    else:
        loss = log.column("loss")
        known = [(player.name, loss[player.steps]) for player in players(log)]
    sides = [(name, robust_statistics.finite(values)) for name, values in known]
    fair = len(sides) == BOTH and all(values.size >= 2 * SOME and values.min() >= 0 for _, values in sides)
    return sorted(sides, key=lambda side: float(late(side[1]) or 0.0)) if fair else []


@signal(unit="loss", **NEEDS)
def opponent_low(log: RunLog) -> float | None:
    """Level of the loss of the opponent who is ahead, in the last third of the run."""
    sides = opponents(log)
    return late(sides[0][1]) if sides else None


@signal(unit="loss", **NEEDS)
def opponent_high(log: RunLog) -> float | None:
    """Level of the loss of the other one, in the last third of the run."""
    sides = opponents(log)
    return late(sides[1][1]) if sides else None


@signal(unit="share", **NEEDS)
def opponent_fell(log: RunLog) -> float | None:
    """Share of the loss of the one who is behind that went away from its highest level to the last; 0 where it rose."""
    sides = opponents(log)
    if not sides:
        return None
    values = sides[1][1]
    levels = [median(part) for part in np.array_split(values, SOME)]
    return 1 - levels[-1] / max(levels) if max(levels) else 0.0


@signal(unit="name", **NEEDS)
def opponent_ahead(log: RunLog) -> str | None:
    """What the script or the log calls the opponent who is ahead."""
    return next((name for name, _ in opponents(log)), None)


@signal(unit="name", **NEEDS)
def opponent_behind(log: RunLog) -> str | None:
    """What it calls the other one."""
    sides = opponents(log)
    return sides[1][0] if sides else None
