"""What the metrics that a script prints say against calling its run healthy."""

from collections.abc import Iterator

import numpy as np

from trainadvisor.judge.curve_doubts import METRIC_LOST
from trainadvisor.judge.judgement import Remark
from trainadvisor.judge.seen import Seen
from trainadvisor.judge.success import RISING
from trainadvisor.log.printed_figures import printed
from trainadvisor.signals import robust_statistics
from trainadvisor.signals.curve_validation import LOST_NOISES, PERFECT
from trainadvisor.signals.curves import REWARDS
from trainadvisor.signals.robust_statistics import Series, median

FEWEST = 5
LEVEL = 3


def printed_metrics(seen: Seen) -> Iterator[Remark]:
    """Yield a printed metric of held-out data that has one value all the time, or ends far below its best level."""
    for values in _courses(seen):
        if np.ptp(values) == 0 and values[0] not in PERFECT:
            yield Remark("metric-still", {"evals": int(values.size)})
            return
        levels = np.array([median(values[place : place + LEVEL]) for place in range(values.size - LEVEL + 1)])
        fall = float(levels.max() - levels[-1])
        if fall > METRIC_LOST * abs(levels.max()) and fall > LOST_NOISES * robust_statistics.step_noise(values):
            yield Remark("metric-fell", {"share": fall / abs(float(levels.max()))})
            return


def rewards_printed(seen: Seen) -> bool:
    """Return whether the script tells the return of its policy often enough to show a rise."""
    told = [figures for step, figures in printed(seen.log.events, "held_out") if seen.log.phase.covers_eval(step)]
    return sum(any(map(REWARDS.search, figures)) for figures in told) >= FEWEST


def _courses(seen: Seen) -> Iterator[Series]:
    """Yield the course of each printed metric from 0 on that is better when higher; a return goes its own ways."""
    told = [figures for step, figures in printed(seen.log.events, "held_out") if seen.log.phase.covers_eval(step)]
    for name in dict.fromkeys(name for figures in told for name in figures):
        values = np.array([figures[name] for figures in told if name in figures], dtype=np.float64)
        if RISING.search(name) and not REWARDS.search(name) and values.size >= FEWEST and values.min() >= 0:
            yield values
