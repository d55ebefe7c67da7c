"""Levels of the training loss: start, end, noise, and distance from the trivial predictor."""

import numpy as np

from trainadvisor.log.reader import RunLog
from trainadvisor.signals import robust_statistics, signal
from trainadvisor.signals.memory import remembered
from trainadvisor.signals.robust_statistics import Series, median
from trainadvisor.signals.trivial_predictor import graded, learnable, skill_of, trivial_loss, trivial_of, uniform_loss

NEEDS = {"needs": "the training loss of every step", "zh": "每一步的训练损失"}
NEEDS_TARGETS = {"needs": "the training loss, and the targets seen by a standard loss function",
                 "zh": "训练损失，以及标准损失函数所见的目标值"}  # fmt: skip
LEAST = 5
# Steps on either side of a jump, by how many step noises the levels differ, and what of it goes away again.
JUMP_WINDOW, JUMP_NOISES, FALLS_AGAIN = 8, 4.0, 0.25


@remembered
def broken_at(log: RunLog) -> int | None:
    """Index of the first bad loss: an infinity, a NaN that the recorder saw, or NaN from some step to the end."""
    values = log.column("loss")
    infinite = np.flatnonzero(np.isinf(values))
    first = [int(infinite[0])] if infinite.size else []
    seen = [e["step"] for e in log.events if e.get("kind") == "nonfinite" and e.get("subject") == "loss"]
    if seen:
        first.append(int(np.searchsorted(log.steps, min(seen))))
    present = np.flatnonzero(np.isfinite(values))
    if present.size and values.size - present[-1] > 3 * max(int(np.max(np.diff(present), initial=1)), 1):
        first.append(int(present[-1]) + 1)
    return min([*first, values.size - 1]) if first else None


@remembered
def training_loss(log: RunLog) -> tuple[Series, Series]:
    """Step numbers and losses of the main phase up to the first non-finite loss."""
    values, steps = log.column("loss"), np.asarray(log.steps, dtype=np.float64)
    end = broken_at(log)
    values, steps = values[:end], steps[:end]
    kept = np.isfinite(values)
    return (steps, values) if kept.all() else (steps[kept], values[kept])


def losses(log: RunLog, least: int = LEAST) -> Series | None:
    """Losses up to the first non-finite one, None when there are too few."""
    values = training_loss(log)[1]
    return values if values.size >= least else None


def comparable(log: RunLog, least: int = LEAST) -> Series | None:
    """Losses since the last time that the loss became another sum: values before and after are not comparable."""
    values = training_loss(log)[1][switched_at(log) :]
    return values if values.size >= least else None


@remembered
def switched_at(log: RunLog) -> int:
    """Place in the training losses from which on another function is minimized, or one with a further term; else 0.

    A term that gets its weight late shows in the curve of a composite loss: from one step to the next it is at another
    level, and falls from there.
    """
    values = training_loss(log)[1]
    ids = log.column("loss_id")[: broken_at(log)][np.isfinite(log.column("loss")[: broken_at(log)])]
    place = _other_function(ids)
    loss = next((loss for loss in log.losses if ids.size and loss.get("id") == ids[-1]), None)
    composite = loss is None or loss.get("kind") == "custom"
    return place + (_level_jump(values[place:]) if composite else 0)


def _other_function(ids: Series) -> int:
    """Return where the last of two functions, one minimized after the other, begins; 0 where they take turns."""
    others = np.flatnonzero(ids != ids[-1]) if ids.size and np.isfinite(ids).all() else np.empty(0, dtype=int)
    place = int(others[-1]) + 1 if others.size else 0
    return place if others.size == place and (ids[:place] == ids[:1]).all() else 0


def _level_jump(values: Series) -> int:
    """Return the step from which on the loss is at another level, higher at once and falling since; 0 without one."""
    if values.size < 4 * JUMP_WINDOW:
        return 0
    middles = robust_statistics.medians(values[: values.size // JUMP_WINDOW * JUMP_WINDOW].reshape(-1, JUMP_WINDOW))
    near = int(np.argmax(middles[2:] - middles[:-2]))
    border = (middles[near] + middles[near + 2]) / 2
    above = np.flatnonzero(values[(near + 1) * JUMP_WINDOW : (near + 3) * JUMP_WINDOW] > border)
    place = (near + 1) * JUMP_WINDOW + int(above[0]) if above.size else 0
    before, after = values[place - JUMP_WINDOW : place], values[place:]
    if before.size < JUMP_WINDOW or after.size < 2 * JUMP_WINDOW:
        return 0
    level, now = robust_statistics.median(before), robust_statistics.median(after[:JUMP_WINDOW])
    rise = now - level
    noise = max(robust_statistics.step_noise(values[max(place - 5 * JUMP_WINDOW, 0) : place]),
                robust_statistics.step_noise(after[: 5 * JUMP_WINDOW]))  # fmt: skip
    at_once = before.max() < level + rise / 4 and after[:JUMP_WINDOW].min() > border
    fell = now - robust_statistics.level(robust_statistics.tail(after, 0.1, LEAST))
    return place if rise > JUMP_NOISES * noise and at_once and fell > FALLS_AGAIN * rise else 0


def graded_losses(log: RunLog, least: int = LEAST) -> Series | None:
    """Values of the loss by which skill is measured, up to the first non-finite loss; None when too few."""
    column = graded(log)[1]
    if column == "loss":
        return losses(log, least)
    values = log.column(column)[: broken_at(log)]
    values = values[np.isfinite(values)]
    return values if values.size >= least else None


@signal(unit="steps", needs="the optimizer steps", zh="优化器步数")
def steps(log: RunLog) -> int:
    """Optimizer steps of the main phase of the run."""
    return int(log.steps.size)


@signal(unit="truth", **NEEDS)
def loss_signed(log: RunLog) -> bool | None:
    """Whether the loss became negative although no target is behind it: then a higher value is no worse."""
    values = losses(log, 1)
    return None if values is None else bool((values < 0).any()) and trivial_loss(log) is None


@signal(unit="steps", **NEEDS)
def loss_steps(log: RunLog) -> int:
    """Steps with a finite loss, up to the first non-finite one."""
    return int(training_loss(log)[1].size)


@signal(unit="truth", **NEEDS)
def loss_nonfinite(log: RunLog) -> bool | None:
    """Whether the training loss became NaN or infinite."""
    recorded = bool(np.any(~np.isnan(log.column("loss")))) or nonfinite_loss_seen(log)
    return broken_at(log) is not None if recorded else None


def nonfinite_loss_seen(log: RunLog) -> bool:
    """Whether the recorder reported a non-finite loss."""
    return any(e.get("kind") == "nonfinite" and e.get("subject") == "loss" for e in log.events)


@signal(unit="step", **NEEDS)
def nonfinite_step(log: RunLog) -> int | None:
    """Step of the first non-finite training loss."""
    index = broken_at(log)
    return None if index is None else int(log.steps[index])


@signal(unit="loss", **NEEDS)
def loss_first(log: RunLog) -> float | None:
    """Loss of the first step."""
    values = losses(log, 1)
    return None if values is None else float(values[0])


def opening(log: RunLog) -> float | None:
    """Return the median of the first three losses."""
    values = losses(log, 3)
    return None if values is None else median(values[:3])


@signal(unit="loss", **NEEDS)
def loss_start(log: RunLog) -> float | None:
    """Loss of the first step of what is minimized at the end, before anything was updated."""
    values = comparable(log, 3)
    return None if values is None else float(values[0])


@signal(unit="ratio", **NEEDS)
def loss_peak_to_start(log: RunLog) -> float | None:
    """Highest loss (running median of three steps) over the loss of the first step."""
    values, start = comparable(log), loss_start(log)
    if values is None or start is None or start <= 0:
        return None
    triples = np.stack([values[:-2], values[1:-1], values[2:]])
    return float(np.max(robust_statistics.medians(triples.T)) / start)


@signal(unit="ratio", **NEEDS)
def loss_end_to_start(log: RunLog) -> float | None:
    """Final level over the loss of the first step."""
    final, start = loss_final(log), loss_start(log)
    return final / start if final is not None and start is not None and start > 0 else None


@signal(unit="loss", **NEEDS)
def loss_final(log: RunLog) -> float | None:
    """Level of the loss over the last tenth of the steps, at least five (median of the means of tens)."""
    values = losses(log)
    return None if values is None else robust_statistics.level(robust_statistics.tail(values, 0.1, LEAST))


@signal(unit="loss", **NEEDS)
def loss_best(log: RunLog) -> float | None:
    """Lowest level of the smoothed loss that is minimized last (at most fifty block means of at least five steps)."""
    values = comparable(log)
    return None if values is None else min(float(robust_statistics.levels(values).min()), loss_final(log))


@signal(unit="loss", **NEEDS)
def loss_noise(log: RunLog) -> float | None:
    """Step-to-step noise of the loss in the last third: standard deviation from second differences."""
    values = losses(log, 15)
    return None if values is None else robust_statistics.step_noise(robust_statistics.tail(values, 1 / 3, LEAST))


@signal(unit="ratio", **NEEDS)
def loss_relative_noise(log: RunLog) -> float | None:
    """Step-to-step noise over the final level."""
    noise, final = loss_noise(log), loss_final(log)
    return None if noise is None or not final else noise / abs(final)


@signal(unit="ratio", **NEEDS)
def loss_drop(log: RunLog) -> float | None:
    """Relative drop of the loss over the run, from the median of the first three; negative when it rose."""
    first, final = opening(log), loss_final(log)
    return None if first is None or final is None or first == 0 else (first - final) / abs(first)


@signal(unit="ratio", **NEEDS)
def loss_ratio_to_best(log: RunLog) -> float | None:
    """Final level over the best level; absent when a loss is not positive."""
    final, best = loss_final(log), loss_best(log)
    return final / best if final is not None and best is not None and best > 0 else None


@signal(unit="share", **NEEDS)
def loss_lost_share(log: RunLog) -> float | None:
    """Share of the fall that was lost again: (final - best) / (first - best); above 1 it ends worse than it began.

    The fall counts as at least three times the step noise, so that a loss that only rose gives a large value.
    """
    values = comparable(log)
    first = None if values is None else median(values[:3])
    final, best, noise = loss_final(log), loss_best(log), loss_noise(log)
    if first is None or final is None or best is None or noise is None:
        return None
    return float((final - best) / max(first - best, 3 * noise, 1e-9 * abs(first), 1e-300))


@signal(unit="ratio", **NEEDS_TARGETS)
def skill(log: RunLog) -> float | None:
    """Skill at the end: (H0 - final) / (H0 - floor); 0 = trivial predictor, 1 = perfect, negative = worse."""
    values = graded_losses(log)
    return (
        None if values is None else skill_of(log, robust_statistics.level(robust_statistics.tail(values, 0.1, LEAST)))
    )


@signal(unit="share", needs="the training loss, and its part that a standard loss function computes",
        zh="训练损失，以及其中由标准损失函数计算的部分")  # fmt: skip
def ungraded_fall(log: RunLog) -> float | None:
    """How far the rest of a loss has fallen, where skill is measured by a part that is smaller than that rest."""
    if graded(log)[1] != "part":
        return None
    whole, part = log.column("loss")[: broken_at(log)], log.column("part")[: broken_at(log)]
    known = np.isfinite(whole) & np.isfinite(part)
    rest, part = (whole - part)[known], part[known]
    if rest.size < LEAST:
        return None
    first, last = (robust_statistics.level(cut(rest, 0.1, LEAST)) for cut in (robust_statistics.head,
                                                                              robust_statistics.tail))  # fmt: skip
    smaller = robust_statistics.level(robust_statistics.tail(part, 0.1, LEAST)) < last
    return max(0.0, 1 - last / first) if smaller and first > 0 else 0.0


@signal(unit="ratio", **NEEDS_TARGETS)
def skill_best(log: RunLog) -> float | None:
    """Best skill over a tenth of the run; shorter stretches of a noisy loss would look better than they are."""
    values = graded_losses(log)
    return None if values is None else skill_of(log, float(robust_statistics.block_means(values, 10).min()))


@signal(unit="standard errors", **NEEDS_TARGETS)
def skill_z(log: RunLog) -> float | None:
    """How far the mean loss of the second half lies below the trivial loss, in standard errors."""
    values, trivial = graded_losses(log, 20), trivial_of(graded(log)[0])
    if values is None or trivial is None:
        return None
    last = robust_statistics.tail(values, 0.5, LEAST)
    count = robust_statistics.effective_count(last.size, robust_statistics.lag_one(last))
    spread = max(float(np.std(last)), 1e-9 * abs(trivial))
    return float(np.clip((trivial - last.mean()) / spread * np.sqrt(count), -1e6, 1e6))


@signal(unit="share", **NEEDS_TARGETS)
def learning_start_share(log: RunLog) -> float | None:
    """Share of the run before the smoothed loss stayed 5 % below the trivial loss for good; 1 = never."""
    values, trivial, span = graded_losses(log, 20), trivial_of(graded(log)[0]), learnable(log)
    if values is None or trivial is None or span is None:
        return None
    above = np.flatnonzero(robust_statistics.levels(values) > trivial - 0.05 * span)
    return 0.0 if not above.size else (int(above[-1]) + 1) / robust_statistics.levels(values).size


@signal(unit="ratio", **NEEDS_TARGETS)
def loss_first_ratio(log: RunLog) -> float | None:
    """Median of the first three losses over that of a fresh model: ln K for cross-entropy, else the trivial loss."""
    first, expected = opening(log), uniform_loss(log) or trivial_loss(log)
    return first / expected if first is not None and expected and expected > 0 else None
