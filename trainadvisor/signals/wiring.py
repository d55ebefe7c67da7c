"""The order of the calls in the loop: forward, backward, step, zero_grad, train, eval, unscale, clip."""

from typing import Any

import numpy as np

from trainadvisor.log.cleaning import number
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal
from trainadvisor.signals.eval_dropout import eval_dropouts
from trainadvisor.signals.robust_statistics import median
from trainadvisor.signals.shared_rows import train_mode_looks

CALLS = {
    "needs": "a run with trainadvisor run, which counts the calls in the loop",
    "zh": "用 trainadvisor run 运行，由它统计循环中的各次调用",
}
MODES = {"needs": "the mode of the model at each training step", "zh": "每个训练步时模型所处的模式"}
EVALS = {
    "needs": "validation in the run, and none was seen: call advisor.validation(loss=...)",
    "zh": "训练中的验证，但没有捕捉到：请调用 advisor.validation(loss=…)",
}
RESUMED = {"needs": "a run that loaded a checkpoint", "zh": "从检查点恢复的训练"}


def count(log: RunLog, name: str) -> float | None:
    """Return a count from the last tally, None when it was not counted."""
    return number(log.tally.get(name))


def share(part: float | None, whole: float | None) -> float | None:
    """Return part over whole, None when either is missing or the whole is zero."""
    return None if part is None or not whole else min(part / whole, 1.0)


@signal(unit="calls", **CALLS)
def optimizer_steps(log: RunLog) -> int | None:
    """Calls of optimizer.step() in the whole run, of all optimizers together."""
    steps = count(log, "step")
    return None if steps is None else int(steps)


@signal(unit="calls", **CALLS)
def backwards(log: RunLog) -> int | None:
    """Calls of backward() in the whole run."""
    calls = count(log, "backward")
    return None if calls is None else int(calls)


@signal(unit="optimizers", needs="the optimizers of the run", zh="训练所用的优化器")
def optimizer_count(log: RunLog) -> int:
    """Number of optimizers that the run created."""
    return len(log.optimizers)


@signal(unit="calls", **CALLS)
def zero_grads(log: RunLog) -> int | None:
    """Calls of zero_grad() in the whole run: a sign of an optimizer even where none ever stepped."""
    calls = count(log, "zero_grad")
    return None if calls is None else int(calls)


@signal(unit="truth", **CALLS)
def manual_updates(log: RunLog) -> bool | None:
    """Whether parameters change without an optimizer step: updated by hand or by functions."""
    seen = log.tally.get("manual_updates")
    return bool(seen) if log.tally else None


@signal(unit="share", **CALLS)
def stale_share(log: RunLog) -> float | None:
    """Share of optimizer steps, from the second on, that used gradients left over from before the previous step.

    The steps themselves tell it of this training alone, and count once where several optimizers step.
    """
    steps, stale = count(log, "step"), log.column("stale")[1:] == 1
    if steps is not None and stale.any():
        return float(np.mean(stale))
    return share(count(log, "stale_steps"), steps - 1 if steps else None)


@signal(unit="steps", **CALLS)
def stale_steps(log: RunLog) -> int | None:
    """Number of optimizer steps that used gradients left over from before the previous step."""
    steps = count(log, "stale_steps")
    return None if steps is None else int(steps)


@signal(unit="step", **CALLS)
def stale_onset(log: RunLog) -> int | None:
    """First step that used left-over gradients."""
    return first_step(log, log.column("stale") == 1)


def first_step(log: RunLog, mask: Any) -> int | None:
    """Return the number of the first step of the main phase at which a mask holds."""
    places = np.flatnonzero(mask)
    return int(log.steps[places[0]]) if places.size else None


@signal(unit="share", **CALLS)
def no_grad_share(log: RunLog) -> float | None:
    """Share of optimizer steps at which no parameter of the optimizer had a gradient."""
    own = _own_without_gradient(log)
    return share(count(log, "step_without_grad"), count(log, "step")) if own is None else own


def _own_without_gradient(log: RunLog) -> float | None:
    """Return that share of one of several trainings, where its own steps tell it: the counts are of the whole run."""
    if len(log.phases) == 1 or len(log.phase.optimizers) != 1 or count(log, "zero_between_backward_and_step"):
        return None
    alone = log.column("no_grad")
    known = alone[np.isfinite(alone)]
    return float(known.mean()) if log.tally and known.size else None


@signal(unit="share", **CALLS)
def zero_between_share(log: RunLog) -> float | None:
    """Share of optimizer steps with a zero_grad() between backward() and step()."""
    return share(count(log, "zero_between_backward_and_step"), count(log, "step"))


@signal(unit="share", **CALLS)
def graphless_share(log: RunLog) -> float | None:
    """Share of the backward() calls on a tensor without a graph, from which no gradient can reach a weight."""
    return share(count(log, "graphless_backwards"), count(log, "backward"))


@signal(unit="optimizers", **CALLS)
def gradless_optimizers(log: RunLog) -> int | None:
    """Number of optimizers that found no gradient at any of their steps (at least twenty), while others found some.

    One that is alone in its training has no others; it is counted only where losses without a graph were seen.
    """
    found, own = count(log, "gradless_optimizers"), _own_without_gradient(log)
    if found and own is not None and (own < 1 or not count(log, "graphless_backwards")):
        return 0
    return None if found is None else int(found)


@signal(unit="steps", **CALLS)
def zero_between_steps(log: RunLog) -> int | None:
    """Number of optimizer steps before which zero_grad() erased the fresh gradients; absent when there are none."""
    steps = count(log, "zero_between_backward_and_step")
    return int(steps) if steps else None


@signal(unit="share", **CALLS)
def backward_per_step(log: RunLog) -> float | None:
    """Calls of backward() for each call of optimizer.step()."""
    calls, steps = backwards(log), optimizer_steps(log)
    return None if calls is None or not steps else calls / steps


# -- modes


def cares(layer: dict[str, Any]) -> bool:
    """Return whether a layer works differently in train and eval mode: active dropout, or running batch statistics."""
    kind, facts = layer["kind"], layer["facts"]
    if "Dropout" in kind:
        return bool(facts.get("p"))
    if "BatchNorm" in kind:
        return facts.get("track_running_stats") is not False
    return bool(facts.get("dropout"))


def _frozen(layer: dict[str, Any], trainable: dict[int, bool]) -> bool:
    held = layer["parameters"]
    return bool(held) and not any(trainable.get(number, True) for number in held)


@signal(unit="names", needs="the layers of the model", zh="模型的各层")
def mode_layers(log: RunLog) -> list[str] | None:
    """Layers of the main model for which the mode matters: dropout with p > 0, batch norm that is not frozen."""
    if log.model is None:
        return None
    trainable = {p["id"]: p["trainable"] for p in log.model["parameters"]}
    return [layer["name"] for layer in log.model["layers"] if cares(layer) and not _frozen(layer, trainable)]


@signal(unit="layers", needs="the layers of the model", zh="模型的各层", about="no-mode-layers")
def mode_layer_count(log: RunLog) -> int | None:
    """Number of layers of the main model for which train and eval mode differ."""
    return None if log.model is None else len(mode_layers(log) or [])


@signal(unit="share", **MODES)
def eval_mode_share(log: RunLog) -> float | None:
    """Share of the optimizer steps whose forward pass ran in eval mode."""
    modes = log.column("mode_eval")
    known = modes[np.isfinite(modes)]
    return float(known.mean()) if known.size else None


@signal(unit="step", **MODES)
def eval_mode_onset(log: RunLog) -> int | None:
    """First training step whose forward pass ran in eval mode."""
    return first_step(log, log.column("mode_eval") == 1)


@signal(unit="truth", **MODES)
def eval_mode_from_start(log: RunLog) -> bool | None:
    """Whether the very first training step already ran in eval mode (often on purpose, in fine-tuning)."""
    modes = log.column("mode_eval")
    known = modes[np.isfinite(modes)]
    return bool(known[0] == 1) if known.size else None


@signal(unit="times", **MODES)
def eval_step_blocks(log: RunLog) -> int | None:
    """How often optimizer steps went over from train mode to eval mode."""
    modes = log.column("mode_eval")
    known = modes[np.isfinite(modes)]
    return int((np.diff(known) > 0).sum()) if known.size else None


def _train_mode_evals(log: RunLog) -> list[dict[str, Any]]:
    return [record for record in log.evaluations if record.get("mode") == "train" and record.get("care")]


@signal(unit="share", **EVALS)
def train_mode_eval_share(log: RunLog) -> float | None:
    """Share of the evaluations that ran with dropout or batch norm in training mode."""
    judged = [record for record in log.evaluations if record.get("mode") in ("train", "eval")]
    return len(_train_mode_evals(log)) / len(judged) if judged else None


@signal(unit="evaluations", **EVALS)
def train_mode_evals(log: RunLog) -> int | None:
    """Number of evaluations that ran with dropout or batch norm in training mode."""
    return len(_train_mode_evals(log)) if log.evaluations else None


@signal(unit="names", **EVALS)
def train_mode_layers(log: RunLog) -> list[str] | None:
    """Layers that were in training mode during evaluations (at most five are recorded), or functions that dropped."""
    named = [name for record in _train_mode_evals(log) for name in record.get("train_mode_modules") or []]
    named = named or [name for look in train_mode_looks(log) for name in look.get("train_mode_modules") or []]
    return list(dict.fromkeys(named or [event["subject"] for event in eval_dropouts(log)])) or None


# -- resumed runs


def _resume(log: RunLog) -> dict[str, Any] | None:
    events = [event for event in log.events if event.get("kind") == "resume"]
    return events[-1] if events else None


@signal(unit="checkpoints", needs="a run with trainadvisor run", zh="用 trainadvisor run 运行", about="no-resume")
def resumes(log: RunLog) -> int | None:
    """Number of times that a checkpoint was loaded to resume training."""
    count_of = sum(event.get("kind") == "resume" for event in log.events)
    return count_of if count_of or log.header.get("source", "recorder") == "recorder" else None


@signal(unit="step", **RESUMED)
def resume_step(log: RunLog) -> int | None:
    """Step at which a checkpoint was loaded to resume training."""
    event = _resume(log)
    return None if event is None else int(event["step"])


@signal(unit="truth", **RESUMED)
def resume_lacks_state(log: RunLog) -> bool | None:
    """Whether the weights were restored but the state of the optimizer was not."""
    event = _resume(log)
    restored = event["detail"].get("optimizer") if event else None
    return None if restored is None else not restored


@signal(unit="ratio", **RESUMED)
def resume_jump(log: RunLog) -> float | None:
    """Median loss of the ten steps after a checkpoint was loaded, over the loss before it.

    The loss before is the one stored in the checkpoint, else the median of the ten steps before.
    """
    event = _resume(log)
    if event is None:
        return None
    losses, after = log.column("loss"), log.steps >= event["step"]
    before = number(event["detail"].get("loss")) or _typical(losses[~after][-10:])
    level = _typical(losses[after][:10])
    return level / before if before and before > 0 and level is not None else None


def _typical(values: Any) -> float | None:
    known = values[np.isfinite(values)]
    return median(known) if known.size else None
