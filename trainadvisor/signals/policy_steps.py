"""The figures of a policy's or a preference loss, as the recorder read them off the graph at sampled steps."""

import numpy as np

from trainadvisor.log.reader import RunLog
from trainadvisor.signals import robust_statistics, signal
from trainadvisor.signals.robust_statistics import Series, median

LEAST = 10  # steps looked at, before the level of a figure is told
FACTS = 3  # the same of what is a fact of each step: one factor, one pair of models

POLICY = {
    "needs": "recorded steps whose loss weighs the log-probabilities of a policy",
    "zh": "所记录步骤的损失含策略的加权对数概率",
}
PREFERENCE = {
    "needs": "recorded steps whose loss compares the log-probabilities of two answers",
    "zh": "所记录步骤的损失比较两个回答的对数概率",
    "about": "no-preference",
}


def recorded(log: RunLog, field: str, least: int = LEAST) -> Series:
    """The finite values of a field of the recorder; none where fewer steps have it."""
    values = robust_statistics.finite(log.column(field))
    return values if values.size >= least else np.zeros(0)


@signal(unit="reward", **PREFERENCE)
def preference_margin_largest(log: RunLog) -> float | None:
    """Largest mean size of what the sigmoid of a preference loss gets: 0 where the policy is its own reference."""
    margins = recorded(log, "preference_margin", FACTS)
    return float(margins.max()) if margins.size else None


@signal(unit="reward", **PREFERENCE)
def preference_margin_first(log: RunLog) -> float | None:
    """Mean size of what the sigmoid of a preference loss gets at the first step looked at: 0 for a copied reference."""
    margins = recorded(log, "preference_margin", FACTS)
    return float(margins[0]) if margins.size else None


@signal(unit="", **PREFERENCE)
def preference_weight(log: RunLog) -> float | None:
    """Size of the number that a preference loss multiplies log-probabilities with: beta."""
    weights = recorded(log, "preference_beta", FACTS)
    return median(weights) if weights.size else None


@signal(unit="", **POLICY)
def policy_entropy_weight(log: RunLog) -> float | None:
    """Number that the loss multiplies the entropy of the policy with, below 0 for a bonus; its lowest value."""
    weights = recorded(log, "policy_entropy_weight", FACTS)
    return float(weights.min()) if weights.size else None


@signal(unit="nats", **POLICY)
def policy_first_gap(log: RunLog) -> float | None:
    """Mean distance of new and old log-probabilities at the very first step, where both are of one policy."""
    first = log.column("policy_ratio_gap")[:1]
    return float(first[0]) if first.size and np.isfinite(first[0]) else None


@signal(unit="steps", **POLICY, about="no-policy-ratio")
def own_ratio_steps(log: RunLog) -> int:
    """Sampled steps with a ratio of new to old probabilities that both have a gradient; 0 where old ones have none."""
    return int(np.isfinite(log.column("policy_own_ratio_gap")).sum())


@signal(unit="", **POLICY, about="no-policy-ratio")
def own_ratio_gap(log: RunLog) -> float:
    """Largest distance from 1 of these ratios: 0 where old and new probabilities are of the same weights; 0: none."""
    return max(map(float, robust_statistics.finite(log.column("policy_own_ratio_gap"))), default=0.0)


# Where the likeliest choice has less than this, choices that are drawn are often others.
_SURE = 0.9


@signal(unit="share", **POLICY)
def likeliest_excess(log: RunLog) -> float:
    """How much more often than by drawing the likeliest choice was made: 0 for drawn choices, 1 where it always was.

    Median of the later half of the samples; 0 for a policy that has made up its mind, and where choices are not seen.
    """
    made, drawn = log.column("policy_likeliest"), log.column("policy_likeliest_drawn")
    known = np.flatnonzero(np.isfinite(made) & np.isfinite(drawn))
    late = known[known.size // 2 :]
    late = late[drawn[late] < _SURE]
    return median((made[late] - drawn[late]) / (1 - drawn[late])) if late.size >= FACTS else 0.0


@signal(unit="share", **POLICY)
def zero_factor_time(log: RunLog) -> float:
    """Share of the steps in which all advantages were zero, in that half of the run in which there are fewer.

    Each sampled step stands for those up to the next sample, since early ones are sampled densely; 0 without any.
    """
    zero = log.column("factor_zero")
    sampled = np.flatnonzero(np.isfinite(zero))
    if sampled.size < LEAST:
        return 0.0
    nearest = np.searchsorted(sampled, np.arange(sampled[0], len(zero)), side="right") - 1
    return float(min(half.mean() for half in np.array_split(zero[sampled][nearest], 2)))
