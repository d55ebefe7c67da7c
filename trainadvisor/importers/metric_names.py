"""What the name of a column says: training or validation, loss or metric, step or rate."""

import re
from functools import lru_cache
from typing import NamedTuple

from trainadvisor.importers.decode.chinese_names import in_english

# Names whose number belongs to them: F1, R2, top-1.
NUMBERED = r"(?<![A-Za-z])(?:[Ff]1|[Rr]2|[Tt]op[15])(?![A-Za-z0-9])"
# Of small and large letters, and one word: mIoU.
MIXED = r"(?<![A-Za-z])m?IoU(?![a-z])"
WORDS = re.compile(NUMBERED + "|" + MIXED + "|[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
TRAIN = frozenset({"train", "training", "trn", "tr"})
HELD_OUT = frozenset(
    {"val", "valid", "validation", "eval", "evaluation", "test", "dev", "heldout", "holdout", "predict"}
)
LOSS = frozenset({"loss", "losses", "nll", "cost", "elbo", "trl", "tel", "logloss", "xent", "bce"})
# Words beside "loss" that make it another figure, and those that change nothing.
NO_LOSS = frozenset(
    {"scale", "scaler", "weight", "coef", "coefficient", "best", "min", "count", "num", "std", "var", "lr"}
)
PLAIN = frozenset({
    "step", "epoch", "total", "avg", "average", "mean", "batch", "running", "current", "lm", "iter", "iteration",
    "iterations", "per", "vs", "objective", "overall", "smoothed", "local",
})  # fmt: skip
STEP = frozenset({
    "step", "steps", "_step", "global_step", "globalstep", "trainer_global_step", "iter", "iters", "iteration",
    "iterations", "it", "current_steps", "current_step", "total_timesteps", "time_total_timesteps", "num_updates",
    "s", "updates", "timesteps", "training_step", "episode", "episodes",
})  # fmt: skip
EPOCH = frozenset({"epoch", "epochs", "train_epoch", "current_epoch", "pass", "ep"})
PLANNED = frozenset({"total_steps", "max_steps", "total_iterations"})
RISING = frozenset({
    "acc", "accuracy", "auc", "auroc", "f1", "map", "map50", "ap", "precision", "recall", "iou", "miou", "dice", "bleu",
    "rouge", "rouge1", "rouge2", "rougel", "reward", "rewards", "rew", "return", "returns", "success", "top1", "top5",
    "r2", "elbo", "psnr", "ssim", "em", "score", "mcc", "kappa", "chrf", "meteor", "ndcg", "mrr",
})  # fmt: skip
REWARD = frozenset({"reward", "rewards", "rew", "return", "returns", "ret", "success"})
FALLING = frozenset(
    {"wer", "cer", "perplexity", "ppl", "mae", "mse", "rmse", "fid", "error", "err", "bpb", "bpc", "kl"}
)
# Figures of policies and preferences that are neither a loss nor a measure of success, by the names of TRL, verl,
# OpenRLHF, Stable-Baselines3 and CleanRL.
FIGURE = re.compile(
    r"(^|_)kl(_|$)|approxkl|entropy|clip_?frac|clip_?ratio|clipped_ratio|ratio_var|val_ratio|explained_var"
    r"|(reward|rew)_?(zero_)?std|std_of_reward|rewards_(chosen|rejected|margins?|accuracies)|(chosen|rejected?)_rewards?"
    r"|logps_(chosen|rejected)|importance_sampling|logp_diff|probs_diff|probs_pearson|rollout_(is|corr)"
    r"|q_values?(_|$)|(^|_)q[12]?_mean|exploration_rate|completions|response_length|ep_len|ent_coef|advantages?_"
)

SECTION = "losses/"  # of CleanRL, for whatever belongs to an update

Rank = tuple[int, ...]


class Meaning(NamedTuple):
    """The role of a column, and where it stands among the columns of that role: the lowest is the plainest."""

    role: str
    rank: Rank = ()


def words_of(name: str) -> list[str]:
    """Return the words of a name, small: camel case, slashes, dots, dashes and underscores part them."""
    return [word.lower() for word in WORDS.findall(in_english(name))]


@lru_cache(maxsize=4096)
def meaning(name: str) -> Meaning:
    """Return what a column is: step, epoch, planned, loss, eval_loss, part, eval_part, lr, grad_norm, figure, metric.

    All that is left is a `train_metric` or `other`.
    """
    words = words_of(name)
    flat, held = "_".join(words), set(words)
    own = "_".join(word for word in words if word not in TRAIN | HELD_OUT)
    if own in STEP:
        return Meaning("step", (flat != "step", len(words)))
    if own in EPOCH:
        return Meaning("epoch", (len(words),))
    if flat in PLANNED:
        return Meaning("planned")
    if (
        flat == "norm"
        or {"grad", "norm"} <= held
        or "gnorm" in held
        or "gradnorm" in held
        or {"gradient", "norm"} <= held
    ):
        return Meaning("grad_norm", (len(words),))
    if ("lr" in held or {"learning", "rate"} <= held) and not held & {"min", "max", "scale", "decay", "init"}:
        return Meaning("lr", (len(words),))
    update = _figure(flat, held) if name.startswith(SECTION) else None
    return update or _loss(words) or _figure(flat, held) or _metric(held)


def _figure(flat: str, held: set[str]) -> Meaning | None:
    """Return the role of a figure of a policy in training; "val" before a ratio is the value function of TRL."""
    told = FIGURE.search(flat) and (not held & HELD_OUT or flat.startswith(("val_ratio", "val_clip")))
    return Meaning("figure") if told else None


def _loss(words: list[str]) -> Meaning | None:
    """Return the role of a loss: the words that are left over tell a part from the whole."""
    split = [piece for word in words for piece in _split(word)]
    held = set(split)
    if not held & LOSS or held & NO_LOSS:
        return None
    away = bool(held & HELD_OUT) or "tel" in held
    left = [word for word in split if word not in LOSS | TRAIN | HELD_OUT | PLAIN]
    role = "eval_loss" if away else "loss"
    if left:
        return Meaning("eval_part" if away else "part", (len(left), len(split)))
    return Meaning(role, ("epoch" in held and "step" not in held and len(split) > 2, len(split)))  # noqa: PLR2004 - epoch_loss stands alone


def _split(word: str) -> list[str]:
    """Part words that were written as one: trainloss, valloss."""
    start = word.removesuffix("loss")
    return [start, "loss"] if start != word and start in TRAIN | HELD_OUT | PLAIN else [word]


def _metric(held: set[str]) -> Meaning:
    """Return whether a column is a figure of merit, and of the training or of held-out data."""
    if held & HELD_OUT and not held & {"runtime", "second", "seconds", "time", "samples"}:
        return Meaning("metric")
    if held & REWARD and not held & TRAIN:
        return Meaning("metric")
    return Meaning("train_metric" if held & (RISING | FALLING) else "other")


def direction(name: str) -> str | None:
    """Return whether a metric is better when higher or lower, None where its name does not tell."""
    held = set(words_of(name))
    if held & FALLING:
        return "lower"
    return "higher" if held & RISING else None


def is_accuracy(name: str) -> bool:
    """Return whether a column is the accuracy of the training batches."""
    return not set(words_of(name)) - TRAIN - {"acc", "accuracy", "epoch", "step"}
