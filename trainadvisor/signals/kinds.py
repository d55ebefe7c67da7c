"""The kind of training that a log shows: predicates of a log."""

import math
import re
from typing import Any

import numpy as np

from trainadvisor.log.cleaning import number
from trainadvisor.log.reader import RunLog
from trainadvisor.log.short_trainings import many_short
from trainadvisor.signals import codebook_use, curves
from trainadvisor.signals.robust_statistics import finite, median

CLASSIFYING = frozenset({
    "cross_entropy", "nll_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits", "multi_margin_loss",
    "ctc_loss",
})  # fmt: skip
REGRESSING = frozenset({"mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "gaussian_nll_loss", "poisson_nll_loss"})
CONTRASTING = frozenset({
    "triplet_margin_loss", "triplet_margin_with_distance_loss", "cosine_embedding_loss", "margin_ranking_loss",
    "hinge_embedding_loss",
})  # fmt: skip

# "actor" is no word of its own in Extractor and Factors.
ACTING = re.compile(
    r"(?-i:Actor|(?<![A-Za-z])actor)|critic|policy|dqn|q_?net|qnetwork|reinforce|a2c|ppo\b|value_?net", re.IGNORECASE
)
OPPOSING = re.compile(r"discriminator|generator\b|\bgan\b|netd\b|netg\b", re.IGNORECASE)

FAIR_TURN = 0.1
FEWEST_VALIDATION = 100
LEAST_VOCABULARY = 20
MOSTLY = 0.5
EXACT = 0.02
# Operations of a cross-entropy, and of logits that are scaled, before those that made the scores.
JOINED_WITHIN = 5


def _names(log: RunLog) -> str:
    parts = [text for model in log.models for text in (model["name"], str(model.get("class") or ""))]
    return " ".join(parts)


def _training_losses(log: RunLog) -> list[dict[str, Any]]:
    return [loss for loss in log.losses if loss.get("phase") != "eval"]


def _kinds(log: RunLog) -> set[str]:
    return {loss["kind"] for loss in _training_losses(log)}


def adversarial(log: RunLog) -> bool:
    """Return whether optimizers of different models take turns, or models are named as opponents.

    One model may hold both, as a LightningModule does: then its parts are named so, and their optimizers take turns.
    """
    if curves.curve_kind(log) == "adversarial":
        return True
    if len(log.models) > 1:
        return _take_turns(log) or bool(OPPOSING.search(_names(log)))
    return _opposed_parts(log) and _take_turns(log)


def _opposed_parts(log: RunLog) -> bool:
    parts = {str(layer["name"]).partition(".")[0] for layer in (log.model or {}).get("layers") or []}
    return parts >= {"G", "D"} or bool(OPPOSING.search(" ".join([_names(log), *sorted(parts)])))


def _take_turns(log: RunLog) -> bool:
    """Return whether two optimizers with disjoint parameters step alternately, each for a fair share of the time."""
    together = set(log.phase.optimizers)  # those of other phases take no turns: one training ends before the next
    turns = {} if many_trainings(log) else {used: n for used, n in log.turns.items() if together.issuperset(used)}
    fair = [used for used, count in turns.items() if used and count >= FAIR_TURN * sum(turns.values())]
    held = {o["id"]: {p for group in o["groups"] for p in group["parameters"]} for o in log.optimizers}
    return any(_disjoint(a, b, held) for a in fair for b in fair if a < b)


def _disjoint(one: tuple[int, ...], other: tuple[int, ...], held: dict[int, set[int]]) -> bool:
    first, second = (set().union(*(held.get(o, set()) for o in used)) for used in (one, other))
    return bool(first) and bool(second) and not first & second


def many_trainings(log: RunLog) -> bool:
    """Return whether the run consists of many short trainings, each of a different model."""
    return many_short(log) is not None


def reinforcement(log: RunLog) -> bool:
    """Return whether the loss is that of a policy, or models or another tool's columns are named so.

    Models that are to prefer answers, or to imitate given ones, are called policies as well, and the opponent of a
    generator is called a critic.
    """
    words = {word.lower() for word in ACTING.findall(_names(log))}
    words -= {"critic"} if OPPOSING.search(_names(log)) else set()
    named = bool(words) and not prefers(log) and not _imitates(log)
    named = named or curves.curve_kind(log) == "reinforcement"
    return named or bool((log.column("factor_mixed") > 0).any())


def _imitates(log: RunLog) -> bool:
    """Return whether all that is minimized is a mean cross entropy, which weighs no answer by what came of it."""
    losses = _training_losses(log)
    return bool(losses) and all(loss["kind"] == "cross_entropy" and loss["reduction"] == "mean" for loss in losses)


def self_targets(log: RunLog) -> bool:
    """Return whether a copy of the trained model answers at most steps, as a target network does: it makes the targets.

    Its answers are the forwards without gradients that belong to no evaluation.
    """
    model, calls, steps = log.model, number(log.tally.get("forward")), number(log.tally.get("step"))
    trained = number(log.tally.get("train_forward"))
    if model is None or calls is None or trained is None or not steps:
        return False
    evaluated = sum(number(record.get("batches")) or 0 for record in log.all_evals)
    held = {p for optimizer in log.optimizers for group in optimizer["groups"] for p in group["parameters"]}
    copies = [m for m in log.models if m["id"] != model["id"] and _shapes(m) == _shapes(model) and m.get("loaded")]
    idle = any(not held & {p["id"] for p in copy["parameters"]} for copy in copies)
    return idle and calls - trained - evaluated > MOSTLY * steps


def _shapes(model: dict[str, Any]) -> list[Any]:
    return [p["shape"] for p in model["parameters"]]


def contrastive(log: RunLog) -> bool:
    """Return whether the loss compares pairs, or the labels are indices within the batch."""
    losses = _training_losses(log)
    compared = any(labels_are_places(loss) or _of_cosines(loss) or _first_is_right(loss) for loss in losses)
    return bool(_kinds(log) & CONTRASTING) or compared or pairs_pulled(log)


def pairs_pulled(log: RunLog) -> bool:
    """Return whether all that is compared are two vectors an example that both have a gradient: nothing is given."""
    given = [loss for loss in _training_losses(log) if loss["kind"] != "custom"]
    return bool(given) and all(_pulls_pairs(loss) for loss in given)


def _pulls_pairs(loss: dict[str, Any]) -> bool:
    target = loss["target"]
    vectors = (target.get("shape") or [])[1:]
    return loss["kind"] in REGRESSING and bool(target.get("live")) and bool(vectors) and vectors[-1] > 1


def _of_cosines(loss: dict[str, Any]) -> bool:
    """Return whether a loss is written out as cosines between embeddings."""
    return loss["kind"] in {"custom", "cosine_similarity"} and bool((loss.get("graph") or {}).get("cosines"))


def _first_is_right(loss: dict[str, Any]) -> bool:
    """Return whether the scores of a partner stand before those of others, so that all labels are 0."""
    # The logits, a division by the temperature among them, stand before what they were joined of.
    joined = "CatBackward0" in ((loss.get("graph") or {}).get("ops") or [])[:JOINED_WITHIN]
    return loss["kind"] == "cross_entropy" and joined and loss["target"].get("max") == 0


def labels_are_places(loss: dict[str, Any]) -> bool:
    """Return whether the labels of a cross-entropy are the places of the examples in their own batch."""
    classes, entropy = number(loss["target"].get("classes")), number(loss["target"].get("batch_entropy"))
    if classes is None or entropy is None or loss["prediction"].get("shape") != [classes, classes]:
        return False
    return abs(entropy - math.log(classes)) < EXACT


def prefers(log: RunLog) -> bool:
    """Return whether the recorder saw a loss that compares two answers."""
    return bool(np.isfinite(log.column("preference_margin")).any())


def preference(log: RunLog) -> bool:
    """Return whether another tool's log has the rewards of chosen and rejected answers."""
    return bool(curves.curve_kind(log) == "preference")


def likelihood(log: RunLog) -> bool:
    """Return whether the loss becomes negative, as with log-densities and rewards."""
    loss = log.column("loss")
    return bool((loss[np.isfinite(loss)] < 0).any()) and not _kinds(log) & (CLASSIFYING | REGRESSING)


def finetuning(log: RunLog) -> bool:
    """Return whether most parameters of the model that is trained were loaded; targets and teachers do not count.

    A training that goes on from its own checkpoint is none.
    """
    if any(event["kind"] == "resume" for event in log.events):
        return False
    model = log.model or {}
    parameters = model.get("parameters", [])
    loaded = sum(p["count"] for p in parameters if p.get("loaded") is True)
    return model.get("loaded") is True or loaded > MOSTLY * max(1, sum(p["count"] for p in parameters))


def accumulation(log: RunLog) -> bool:
    """Return whether several backward passes make one step."""
    if any(optimizer.get("class") == "LBFGS" for optimizer in log.optimizers):
        return False  # its closures run backward passes of one and the same step
    counts = [number(log.tally.get("accumulation")), *(number(o.get("accumulates")) for o in log.optimizers)]
    micro = log.column("micro")
    several = np.isfinite(micro).any() and median(finite(micro)) > 1
    return bool(several) or any(count is not None and count > 1 for count in counts)


def recorded(log: RunLog) -> bool:
    """Return whether the training was seen by the recorder, which has better than curves to judge by."""
    return bool(log.header.get("source", "recorder") == "recorder")


def codebook(log: RunLog) -> bool:
    """Return whether the model chooses rows of a matrix: the entries and what they stand for chase each other."""
    return bool(codebook_use.looked_up(log))


def no_supervision(log: RunLog) -> bool:
    """Return whether the recorder saw no loss function with a target; an imported log does not say."""
    return log.header.get("source") == "recorder" and all(not loss["target"] for loss in _training_losses(log))


def tiny_validation(log: RunLog) -> bool:
    """Return whether evaluations use too few examples to be reliable."""
    examples = [number(record.get("examples")) for record in log.evals]
    return (
        any(count is not None for count in examples) and max(c for c in examples if c is not None) < FEWEST_VALIDATION
    )


def regression(log: RunLog) -> bool:
    """Return whether all losses with a name are those of regression."""
    kinds = _kinds(log)
    return bool(kinds & REGRESSING) and not kinds & CLASSIFYING


def classification(log: RunLog) -> bool:
    """Return whether all losses with a name are those of classification."""
    kinds = _kinds(log)
    return bool(kinds & CLASSIFYING) and not kinds & REGRESSING


def language_model(log: RunLog) -> bool:
    """Return whether classes are the entries of an embedding, as when predicting the next token."""
    tables = {
        p["shape"][0] for model in log.models for p in model["parameters"] if p["role"] == "embedding" and p["shape"]
    }
    classes = {
        size
        for loss in _training_losses(log)
        if loss["kind"] in ("cross_entropy", "nll_loss")
        for size in _widths(loss)
    }
    return any(size >= LEAST_VOCABULARY for size in tables & classes)


def _widths(loss: dict[str, Any]) -> list[int]:
    shape = loss["prediction"].get("shape")
    wholes = [size for size in shape if type(size) is int] if isinstance(shape, list) else []
    return wholes[1:]


def autoencoder(log: RunLog) -> bool:
    """Return whether a regression or binary target has the shape and the spread of the inputs."""
    wanted = REGRESSING | {"binary_cross_entropy", "binary_cross_entropy_with_logits"}
    inputs = [detail for (_, phase), detail in log.inputs.items() if phase == "train"]
    pairs = ((loss["target"], detail) for loss in _training_losses(log) if loss["kind"] in wanted for detail in inputs)
    return any(_same_tensor(target, detail) for target, detail in pairs)


def _same_tensor(target: dict[str, Any], inputs: dict[str, Any]) -> bool:
    ours, theirs = target.get("shape"), inputs.get("shape")
    if not isinstance(ours, list) or not isinstance(theirs, list) or len(ours) <= 1 or ours[1:] != theirs[1:]:
        return False
    spread, wanted = number(target.get("std")), number(inputs.get("std"))
    return spread is not None and wanted is not None and abs(spread - wanted) <= EXACT * abs(wanted)
