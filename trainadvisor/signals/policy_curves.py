"""The figures of a policy: spread of rewards, size of the updates, entropy, value function.

They come from another tool's log, some of them from the recorder as well. Names are those of TRL, verl, OpenRLHF,
Stable-Baselines3 and CleanRL. A level is a median over a third of the points, so that a warm-up or one wild batch
decides nothing.
"""

import re

import numpy as np

from trainadvisor.log.cleaning import number
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import curves, robust_statistics, signal
from trainadvisor.signals.curves import SOME, imported
from trainadvisor.signals.memory import remembered
from trainadvisor.signals.policy_steps import recorded
from trainadvisor.signals.robust_statistics import Series, median

NEEDS = {
    "needs": "a log of TRL, verl, OpenRLHF, Stable-Baselines3 or CleanRL",
    "zh": "TRL、verl、OpenRLHF、Stable-Baselines3 或 CleanRL 的日志",
}

TOLD = {
    "needs": NEEDS["needs"] + ", or recorded steps with the loss of a policy",
    "zh": NEEDS["zh"] + "，或含策略损失的记录步骤",
}

ZERO_SPREAD = re.compile(r"frac_reward_zero_std$|^groups_without_spread$")
SPREAD = re.compile(r"(^|/)reward_std$")
CLIPPED = re.compile(r"(?<!val/)(clip_?frac(tion)?(_avg)?$|ppo_clip_ratio$|clip_ratio/region_mean$|^clip_ratio$)")
RATIO = re.compile(r"val/ratio$")
UPDATE_KL = re.compile(r"(?<!old_)approx_?kl(_avg)?$|ppo_kl$")
TOKEN_KL = re.compile(r"^(train/)?kl$|actor/kl_loss$|^ppo/mean_kl$")
ENTROPY = re.compile(r"(?<!max_)(^|[/_])entropy(_avg|/mean)?$")
ENTROPY_LOSS = re.compile(r"entropy_loss$")
EXPLAINED = re.compile(r"explained_var(iance)?$")
Q_VALUES = re.compile(r"(^|/)(q_values?|qf\d_values|q_mean|mean_q)$", re.IGNORECASE)
CUT_OFF = re.compile(r"completions/clipped_ratio$|response_length/clip_ratio$|^(response_|length_)clip_ratio$")
WEIGHT = re.compile(r"importance_sampling_ratio/mean$|rollout_is_mean$")
APART = re.compile(r"sampling_logp_difference/mean$|logprobs_diff$")
PROBABILITIES = re.compile(r"rollout_probs_diff_mean$")

SMALL = 1e-6
THIRD = 3


@remembered
def _columns(log: RunLog) -> dict[str, Series]:
    """The finite values of each figure, by its name."""
    if not imported(log):
        return {"groups_without_spread": robust_statistics.finite(_told_in_evaluations(log, "groups_without_spread"))}
    return {name: robust_statistics.finite(log.column(name)) for name in log.more_columns}


def _told_in_evaluations(log: RunLog, name: str) -> Series:
    """The values of a figure that a framework has reported to the recorder."""
    known = (number(record["metrics"].get(name)) for record in log.evals)
    return np.array([value for value in known if value is not None], dtype=np.float64)


def figure(log: RunLog, pattern: re.Pattern[str]) -> Series:
    """The values of the first figure of such a name; none where fewer than ten points tell it."""
    known = (values for name, values in _columns(log).items() if pattern.search(name) and values.size >= 2 * SOME)
    return next(known, np.zeros(0))


def told(log: RunLog, pattern: re.Pattern[str], field: str) -> Series:
    """The values of a figure in another tool's log, or those of a field of the recorder."""
    return figure(log, pattern) if imported(log) else recorded(log, field)


def early(values: Series) -> float | None:
    """Level of the first third."""
    return median(values[: values.size // THIRD]) if values.size else None


def late(values: Series) -> float | None:
    """Level of the last third."""
    return median(values[-(values.size // THIRD) :]) if values.size else None


def lasting(values: Series) -> float | None:
    """The lower of the levels of both halves: what holds before the middle and after it."""
    half = values.size // 2
    return min(median(values[:half]), median(values[half:])) if half else None


@signal(unit="share", **NEEDS)
def group_zero_spread(log: RunLog) -> float | None:
    """Share of the groups whose rewards are all equal, in the half of the run that has fewer of them."""
    share = figure(log, ZERO_SPREAD)
    return lasting(share if share.size else (figure(log, SPREAD) < SMALL).astype(np.float64))


@signal(unit="share", **TOLD)
def policy_clip_fraction(log: RunLog) -> float | None:
    """Share of the ratios that PPO clips, or that are further than 0.2 from 1, as both halves of the run have it."""
    return lasting(told(log, CLIPPED, "policy_ratio_far"))


@signal(unit="share", **TOLD)
def policy_clip_late(log: RunLog) -> float | None:
    """Share of the ratios that PPO clips, or that are further than 0.2 from 1, in the last third of the run."""
    return late(told(log, CLIPPED, "policy_ratio_far"))


@signal(unit="nats", **NEEDS)
def policy_update_kl(log: RunLog) -> float | None:
    """Divergence of the policy from the one that collected the data, as both halves of the run have it."""
    return lasting(figure(log, UPDATE_KL))


@signal(unit="ratio", **TOLD)
def policy_ratio_late(log: RunLog) -> float | None:
    """Mean ratio of new to old probabilities in the last third of the run."""
    return late(told(log, RATIO, "policy_ratio"))


@signal(unit="nats per token", **NEEDS)
def token_kl_late(log: RunLog) -> float | None:
    """Divergence from the reference policy, per token, in the last third of the run."""
    return late(figure(log, TOKEN_KL))


def _entropy(log: RunLog) -> Series:
    own = told(log, ENTROPY, "policy_entropy")
    return own if own.size else -figure(log, ENTROPY_LOSS)


@signal(unit="nats", **TOLD)
def policy_entropy_early(log: RunLog) -> float | None:
    """Entropy of the policy in the first tenth of the run."""
    values = _entropy(log)
    return median(robust_statistics.head(values, 0.1, SOME)) if values.size else None


@signal(unit="nats", **TOLD)
def policy_entropy_late(log: RunLog) -> float | None:
    """Entropy of the policy in the last third of the run."""
    return late(_entropy(log))


@signal(unit="", **NEEDS)
def explained_variance_late(log: RunLog) -> float | None:
    """Share of the variance of the returns that the value function explains, in the last third of the run."""
    return late(figure(log, EXPLAINED))


@signal(unit="ratio", **NEEDS)
def q_over_return(log: RunLog) -> float | None:
    """Mean Q value in the last third of the run over the largest return of an episode, both without sign."""
    level, returns = late(figure(log, Q_VALUES)), curves.reward(log)[1]
    largest = float(np.max(np.abs(returns), initial=0.0))
    return abs(level) / largest if level is not None and largest > 0 else None


@signal(unit="share", **NEEDS)
def answers_cut_off(log: RunLog) -> float | None:
    """Share of the answers that end at the longest length allowed, as both halves of the run have it."""
    return lasting(figure(log, CUT_OFF))


@signal(unit="ratio", **NEEDS)
def rollout_weight(log: RunLog) -> float | None:
    """Mean importance weight of the sampled tokens, trainer over sampler, or its inverse where that is larger."""
    level = late(figure(log, WEIGHT))
    return max(level, 1 / level) if level is not None and level > 0 else None


@signal(unit="nats", **NEEDS)
def rollout_logp_gap(log: RunLog) -> float | None:
    """Mean distance of the log-probabilities that trainer and sampler give the same tokens."""
    return late(np.abs(figure(log, APART)))


@signal(unit="probability", **NEEDS)
def rollout_probability_gap(log: RunLog) -> float | None:
    """Mean distance of the probabilities that trainer and sampler give the same tokens."""
    return late(figure(log, PROBABILITIES))


@signal(unit="loss", **NEEDS)
def group_loss_early(log: RunLog) -> float | None:
    """Size of the loss of a training on groups of answers, in the first third of its points."""
    grouped = figure(log, ZERO_SPREAD).size or figure(log, SPREAD).size
    return early(np.abs(curves.training(log)[1])) if grouped and curves.training(log)[1].size >= 2 * SOME else None
