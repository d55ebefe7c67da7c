"""What leaves it open whether a run that learned something has learned all that is in its data."""

import math
from collections.abc import Iterator
from itertools import takewhile

from trainadvisor.judge.judgement import Remark
from trainadvisor.judge.seen import Seen
from trainadvisor.log.cleaning import number
from trainadvisor.signals.losses import REGRESSING, training_losses

FEWEST_STEPS = 100
# Share of what can be learned below which a loss that has settled may hide a fault: of 43 sound supervised runs that
# had settled the lowest ended at 0.58, of 7 runs with part of the inputs or labels lost 5 ended at 0.12 to 0.44.
LEARNT_MOST = 0.5
# Skill below which nothing shows that anything was learned, which is told by itself.
LEARNT_LEAST = 0.1
# Share of the run, at its end, over which the loss is level: 0.70 to 0.98 in those five; sound runs that ended below
# one half had 0.60 at most, and more steps would have helped them.
LEVEL = 0.65
# Training skill above that of held-out data where the model can tell the examples apart, and data are what it lacks.
MEMORIZING = 0.1
# Skill on held-out data at which strong augmentation or dropout may leave the training loss as high as it is.
HELD_OUT = 0.7
# Trainings whose answers cannot all be known: the next word, one of many partners, a reconstruction through a code.
OPEN_ENDED = frozenset({
    "language-model", "contrastive", "preference", "likelihood", "autoencoder", "adversarial", "reinforcement",
    "self-targets",
})  # fmt: skip


# Skill above which more answers have to be right than a guess among the classes gets: 110 trainings with it had 1.6
# times as many at least, and one in which each example could choose itself as its partner had none.
SURELY = 0.3
# Share of the labels, in each of the last evaluations, below which the answers are those of always saying no: rare
# labels without a weight were found at 0 to 0.002, while the loss fell below that of knowing their frequency.
HARDLY, LAST = 0.05, 2
# Share of what a plain model gains over the most frequent answer, or over the mean, that a network gains as well:
# 0.89 and more in sound trainings that had learned (of 164 looked at), below 0.66 in most faulty ones.
PLAINLY = 0.8
# Standard errors of the plain model's share, and the least difference, by which it has to be better: chance alone.
SURE, APART = 4.0, 0.05
# Counts scatter about the best rate by themselves.
COUNTS = "poisson_nll_loss"
MATRICES = ("Addmm", "Mm")
# Share of the spread of the inputs that a net which only passes them through gives back, but for rounding.
PASSED_ON = 0.95
# What may stand between a loss and the last matrix where the loss looks at some of its columns only.
CUTS, PASSES = ("Slice", "Select"), ("LogSoftmax", "Squeeze", "Unsqueeze", "View", "T", "AsStrided")


def learned_in_part(seen: Seen) -> Iterator[Remark]:
    """Yield that the loss has settled far above a perfect answer, on the training data as on held-out data.

    Noise in the data ends so, and so do inputs of which half are lost, labels that are wrong in part, and a branch
    that is given the wrong tensor: the course of the run is the same.
    """
    skill, level = seen.figure("skill"), seen.figure("loss_flat_share")
    if skill is None or level is None or seen.run.get("judged_steps", 0) < FEWEST_STEPS:
        return
    if not LEARNT_LEAST <= skill < LEARNT_MOST or level < LEVEL or OPEN_ENDED.intersection(seen.contexts):
        return
    if seen.signals.get("loss_kind") == COUNTS:
        return
    held_out = seen.figure("val_skill_final")
    if held_out is not None and (held_out < skill - MEMORIZING or held_out >= HELD_OUT):
        return
    right, most_frequent = seen.figure("train_accuracy_final"), seen.figure("target_majority_share")
    if right is not None and most_frequent is not None:
        yield Remark("partly-right", {"right": right, "frequent": most_frequent, "level": level})
    else:
        yield Remark("partly-learned", {"share": skill, "level": level})


def outputs_left_out(seen: Seen) -> Iterator[Remark]:
    """Yield that the only loss looks at some of the columns of the last layer: nothing trains the others.

    Classes that are filled up to a round number of outputs are cut off on purpose.
    """
    losses, rows = training_losses(seen.log), seen.log.layers.rows("act")
    if len(losses) != 1 or not rows:
        return
    units, shape = number(rows[-1].get("units")), losses[0]["prediction"].get("shape")
    operations = [name.removesuffix("Backward0") for name in (losses[0].get("graph") or {}).get("ops", [])][1:]
    between = list(takewhile(lambda name: name not in MATRICES, operations))
    cut = any(name in CUTS for name in between) and all(name in CUTS + PASSES for name in between)
    if units is None or not cut or not isinstance(shape, list) or len(between) == len(operations):
        return
    used = shape[1] if len(shape) > 1 else 1
    padded = losses[0]["kind"] == "cross_entropy" and isinstance(used, int) and used > units / 2
    if isinstance(used, int) and used < units and not padded:
        yield Remark("outputs-left-out", {"used": used, "all": int(units)})


def answers_wrong(seen: Seen) -> Iterator[Remark]:
    """Yield that the loss tells of success while fewer answers are right than a guess gets."""
    skill, right, classes = (seen.figure(name) for name in ("skill", "train_accuracy_final", "class_count"))
    if skill is not None and right is not None and classes and skill >= SURELY and right < 1 / classes:
        yield Remark("answers-wrong", {"share": skill, "right": right, "guess": 1 / classes})


def labels_unfound(seen: Seen) -> Iterator[Remark]:
    """Yield that in the last evaluations hardly any of several labels got a probability above one half.

    Labels may be too rare for that where much was learned of them: what is likeliest may still be right.
    """
    shares = [share for record in seen.log.evals[-LAST:] if (share := number(record.get("labels_found"))) is not None]
    learned = max((seen.figure(name) or 0.0 for name in ("skill", "val_skill_final")), default=0.0)
    if shares and max(shares) < HARDLY and learned < SURELY:
        yield Remark("labels-unfound", {"share": max(shares)})


def worse_than_plain(seen: Seen) -> Iterator[Remark]:
    """Yield that a linear model or the nearest examples do clearly better, with the same inputs, than the network.

    They are asked for examples that they were not fitted to; the network has its training data and held-out data.
    """
    plain, asked = seen.figure("plain_share"), seen.figure("plain_examples")
    if plain is None or not asked or OPEN_ENDED.intersection(seen.contexts):
        return
    names = ("skill", "val_skill_final"), ("train_accuracy_final", "val_accuracy_final")
    classes = seen.signals.get("loss_kind") not in REGRESSING
    own = max((value for name in names[classes] if (value := seen.figure(name)) is not None), default=None)
    least = seen.figure("target_majority_share") if classes else 0.0
    error = SURE * math.sqrt(max(plain * (1 - plain), 0.0) / asked)
    if (
        own is not None
        and least is not None
        and own - least < PLAINLY * (plain - least)
        and plain - own > max(APART, error)
    ):
        yield Remark("worse-than-plain", {"plain": plain, "own": own})


def inputs_passed_on(seen: Seen) -> Iterator[Remark]:
    """Yield that the targets are the inputs as the model gets them, and no layer keeps it from passing them through."""
    skill, narrowest = seen.figure("skill"), seen.figure("hidden_width_min")
    if "autoencoder" not in seen.contexts or skill is None or skill < PASSED_ON or narrowest is None:
        return
    if any(loss["kind"] == "custom" for loss in training_losses(seen.log)):  # a penalty on what it keeps, as on codes
        return
    given = [number(detail.get("features")) for (_, phase), detail in seen.log.inputs.items() if phase == "train"]
    if given and all(features is not None and narrowest >= features for features in given) and not _narrows(seen):
        yield Remark("inputs-passed-on", {"share": skill})


def _narrows(seen: Seen) -> bool:
    """Return whether a layer leaves out a part of what it gets: it pools, drops, or goes on by more than one place."""
    layers = (seen.log.model or {}).get("layers") or []
    strides = [(layer.get("facts") or {}).get("stride", 1) for layer in layers]
    strided = any(stride not in (1, [1], [1, 1], [1, 1, 1]) for stride in strides)
    return strided or any(part in str(layer.get("kind")) for layer in layers for part in ("Pool", "Drop"))
