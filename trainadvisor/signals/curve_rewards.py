"""The reward and the divergence of a policy in another tool's log."""

import re

import numpy as np

from trainadvisor.log.reader import RunLog
from trainadvisor.signals import robust_statistics, signal
from trainadvisor.signals.curves import FEW, SOME, imported, noise, reward
from trainadvisor.signals.robust_statistics import median

NEEDS_REWARD = {"needs": "a log of another tool with a reward", "zh": "其他工具的日志，且含奖励"}
KL = re.compile(r"(^|[/_])(approx_?)?kl($|_)", re.IGNORECASE)


WINDOW = 10  # parts of a curve: a level is that of one part


def _reward_parts(log: RunLog) -> tuple[float, float, float, float] | None:
    """First, highest and last level of the reward, and its noise."""
    values = reward(log)[1]
    if values.size < 2 * SOME:
        return None
    width = max(values.size // WINDOW, FEW)
    means = np.convolve(values, np.full(width, 1 / width), "valid")
    return float(means[0]), float(means.max()), float(means[-1]), noise(values) / float(np.sqrt(width))


@signal(unit="standard errors", **NEEDS_REWARD)
def reward_rise_noises(log: RunLog) -> float | None:
    """Rise of the reward from its first to its last level, in noises."""
    parts = _reward_parts(log)
    return float(np.clip((parts[2] - parts[0]) / parts[3], -1e6, 1e6)) if parts else None


@signal(unit="standard errors", **NEEDS_REWARD)
def reward_fall_noises(log: RunLog) -> float | None:
    """Fall of the reward from its highest level to its last, in noises."""
    parts = _reward_parts(log)
    return float(min((parts[1] - parts[2]) / parts[3], 1e6)) if parts else None


@signal(unit="share", **NEEDS_REWARD)
def reward_lost_share(log: RunLog) -> float | None:
    """Share of the rise of the reward that was lost again; above 1 it ends below its start."""
    parts = _reward_parts(log)
    return (parts[1] - parts[2]) / max(parts[1] - parts[0], FEW * parts[3]) if parts else None


@signal(unit="reward", **NEEDS_REWARD)
def reward_best(log: RunLog) -> float | None:
    """Highest level of the reward."""
    parts = _reward_parts(log)
    return parts[1] if parts else None


@signal(unit="reward", **NEEDS_REWARD)
def reward_final(log: RunLog) -> float | None:
    """Last level of the reward."""
    parts = _reward_parts(log)
    return parts[2] if parts else None


@signal(unit="nats", needs="a log of another tool with a KL divergence", zh="其他工具的日志，且含 KL 散度")
def policy_kl(log: RunLog) -> float | None:
    """Median of the last tenth of the logged KL divergence between the policy and its reference."""
    name = next((name for name in log.more_columns if KL.search(name)), None) if imported(log) else None
    values = robust_statistics.finite(log.column(name)) if name else np.zeros(0)
    return median(robust_statistics.tail(values, 0.1, FEW)) if values.size >= SOME else None
