"""What speaks against calling a run healthy: contradictions in what was seen, and what was not seen.

Each is a remark: a code and the figures that it is about, which `trainadvisor.telling.doubt_texts` puts into words.
"""

from collections.abc import Callable, Collection, Iterator

import numpy as np

from trainadvisor.judge.curve_doubts import curve_doubts
from trainadvisor.judge.engine import CURVES
from trainadvisor.judge.evaluation_doubts import evaluation_nonfinite, evaluation_worse, validation_rose
from trainadvisor.judge.judgement import Remark
from trainadvisor.judge.optimizer_doubts import (
    idle_optimizer,
    recreated_optimizer,
    steps_without_gradients,
    unreached,
    unused_parameters,
)
from trainadvisor.judge.partial_doubts import (
    answers_wrong,
    inputs_passed_on,
    labels_unfound,
    learned_in_part,
    outputs_left_out,
    worse_than_plain,
)
from trainadvisor.judge.printed_doubts import printed_metrics, rewards_printed
from trainadvisor.judge.rounding_doubts import steps_rounded
from trainadvisor.judge.rule_verdict import OFF, UNKNOWN, Verdict
from trainadvisor.judge.seen import Seen
from trainadvisor.judge.success import fallen, successes
from trainadvisor.log.cleaning import number
from trainadvisor.log.reader import RunLog
from trainadvisor.signals.absences import ABSENCES
from trainadvisor.signals.losses import REGRESSING, judged_loss
from trainadvisor.signals.robust_statistics import median

FEWEST_STEPS = 20
# Steps below which a run is called healthy only where it has learned half of everything on every scale.
BRIEF = 100
HALF = 0.5
# Share of the checks that has to be decided. One of what a training does not have is: it cannot be the case.
COVERED = 0.8
# Relative range of the loss over the whole run: sound runs move by 0.3 and more, a constant by rounding.
STILL = 1e-3
MOSTLY = 0.5
# Gradients of the first layers over those of the last, or the reverse: sound runs reach 245, and vanishing-gradients
# begins at the same ratio.
MOST_APART = 1000.0
# Share of dead units in the worst layer: 0.70 at most in sound runs, which still learn.
MOST_DEAD = 0.7
# How many times as much an example or a value counts in one term as in another: weighed sums reach 4.
OUTNUMBERED = 10.0
# Numbers 0 to K - 1 that occur equally often have the variance (K * K - 1) / 12; counts and ratings heap up.
FEWEST_CLASSES, MOST_CLASSES, EVENLY = 3, 20, 0.1
# What was seen to be wrong; everything else leaves the question open.
SERIOUS = frozenset({
    "evaluation-nonfinite", "loss-still", "gradients-zero", "steps-without-gradients", "evaluation-worse",
    "validation-rose",
})  # fmt: skip

# Nothing was seen to be wrong, success is only not proven: no reason for a gate to hold a run up.
UNPROVEN = frozenset({
    "brief", "coverage", "deciding", "no-yardstick", "reinforcement", "adversarial", "self-targets", "gradients-apart",
    "units-dead", "optimizer-idle", "optimizer-anew", "unreached", "no-curve", "logged-too-rarely", "no-evaluation",
    "few-evaluations", "evaluation-level", "metric-still", "metric-fell", "reward-level", "unused-parameters",
    "class-numbers", "labels-copied", "steps-rounded", "terms-apart", "partly-learned", "partly-right",
    "outputs-left-out", "answers-wrong", "labels-unfound", "worse-than-plain", "inputs-passed-on",
})  # fmt: skip


def doubts(seen: Seen) -> tuple[Remark, ...]:
    """Return everything that speaks against calling the run healthy, the gravest first."""
    if "trainings" in seen.run:
        return (Remark("many", {"trainings": seen.run["trainings"], "each": seen.run["trainings_steps"]}),)
    if CURVES in seen.contexts:
        rewarded = "reinforcement" in seen.contexts
        return (*evaluation_nonfinite(seen), *curve_doubts(seen, rewarded=rewarded))
    return tuple(remark for check in CHECKS for remark in check(seen))


def ended(seen: Seen) -> Iterator[Remark]:
    """Yield that the training crashed, the log was cut, or it is too short to tell anything."""
    run = seen.run
    if "exception" in run:
        exception = run["exception"]
        kind = "crashed" if run["steps"] else "crashed-early"
        yield Remark(kind, {"type": exception["type"], "where": exception["where"] or "?", "steps": run["steps"]})
    elif is_unended(seen.log):
        yield Remark("unended", {"steps": run["steps"]})
    if run.get("judged_steps", 0) < FEWEST_STEPS:
        yield Remark("short", {"steps": run.get("judged_steps", 0), "fewest": FEWEST_STEPS})
    if "cut" in run:
        cut = run["cut"]
        of = f" ({run['steps']} / {cut['steps']})" if cut["steps"] else ""
        yield Remark("cut", {"reason": cut["reason"], "steps": run["judged_steps"], "of": of})


def is_unended(log: RunLog) -> bool:
    """Return whether the recorder wrote no end, and the log is not one that is followed while it grows."""
    return not log.end and not log.growing and log.header.get("source") == "recorder"


def loss_still(seen: Seen) -> Iterator[Remark]:
    """Yield a loss that stays at one constant from the first step to the last."""
    loss = seen.log.column("loss")
    loss = loss[np.isfinite(loss)]
    if loss.size >= FEWEST_STEPS and np.ptp(loss) <= STILL * abs(median(loss)):
        yield Remark("loss-still", {"value": median(loss), "steps": int(loss.size)})


def gradients_zero(seen: Seen) -> Iterator[Remark]:
    """Yield gradients that are exactly zero at every sampled step."""
    norms = seen.log.column("grad_norm")
    norms = norms[np.isfinite(norms)]
    if norms.size and not norms.any():
        yield Remark("gradients-zero", {"samples": int(norms.size)})


def loss_rose(seen: Seen) -> Iterator[Remark]:
    """Yield a loss without a yardstick that ends no lower than it began, where nothing else shows a success."""
    first, final = seen.figure("loss_first"), seen.figure("loss_final")
    if first is None or final is None or final < first or seen.figure("skill") is not None:
        return
    if not list(successes(seen.log, seen.signals)):
        yield Remark("loss-rose", {"first": first, "final": final})


def beyond_limits(seen: Seen) -> Iterator[Remark]:
    """Yield layers that are beyond the limits which the report states."""
    ratio = seen.figure("grad_depth_ratio")
    apart = max(ratio, 1 / ratio) if ratio else 1.0
    if apart > MOST_APART:
        yield Remark("gradients-apart", {"ratio": apart, "limit": MOST_APART})
    dead = seen.figure("dead_unit_share_worst") or 0.0
    if dead > MOST_DEAD:
        yield Remark("units-dead", {"share": dead, "limit": MOST_DEAD})


def class_numbers(seen: Seen) -> Iterator[Remark]:
    """Yield targets of a regression that are spread evenly over the first whole numbers, as classes are."""
    loss = judged_loss(seen.log)
    target = loss["target"] if loss and loss["kind"] in REGRESSING else {}
    if not target.get("integer") or number(target.get("min")) != 0:
        return
    top, variance = number(target.get("max")) or 0.0, number(target.get("variance")) or 0.0
    even = ((top + 1) ** 2 - 1) / 12
    if FEWEST_CLASSES <= top + 1 <= MOST_CLASSES and abs(variance / even - 1) < EVENLY:
        yield Remark("class-numbers", {"classes": round(top + 1)})


def labels_copied(seen: Seen) -> Iterator[Remark]:
    """Yield labels most of which stand at their own place among the ids that the model is given."""
    share = seen.figure("label_same_share")
    if share is not None and share > MOSTLY:
        yield Remark("labels-copied", {"share": share})


def terms_apart(seen: Seen) -> Iterator[Remark]:
    """Yield that the terms of a loss without a yardstick are reduced so differently that one may stand for the fall."""
    times = max(seen.figure("mixed_reductions") or 1.0, seen.figure("mixed_values") or 1.0)
    evaluated = [remark for remark in successes(seen.log, seen.signals) if remark.kind != "skill"]
    if times > OUTNUMBERED and seen.figure("skill") is None and not evaluated:
        yield Remark("terms-apart", {"times": times})


def no_success(seen: Seen) -> Iterator[Remark]:
    """Yield that nothing shows that the training succeeded, by a measure that is meant for this kind of training."""
    evaluated = [remark for remark in successes(seen.log, seen.signals) if remark.kind != "skill"]
    for kind in ("reinforcement", "adversarial", "self-targets"):
        if kind in seen.contexts:
            if not evaluated:
                yield Remark("reward-level" if kind == "reinforcement" and rewards_printed(seen) else kind)
            return
    if evaluated or list(successes(seen.log, seen.signals)) or list(fallen(seen.log, seen.signals)):
        return
    skill = seen.figure("skill")
    if skill is not None:
        yield Remark("weak", {"share": max(skill, 0.0)})
    elif seen.figure("loss_final") is None:
        yield Remark("no-loss")
    else:
        yield Remark("no-yardstick")


def brief(seen: Seen) -> Iterator[Remark]:
    """Yield a short run that has not learned most of what there is."""
    steps = seen.run.get("judged_steps", 0)
    known = [value for name in ("skill", "val_skill_final") if (value := seen.figure(name)) is not None]
    if FEWEST_STEPS <= steps < BRIEF and min(known, default=0.0) < HALF:
        yield Remark("brief", {"steps": steps, "fewest": BRIEF})


def coverage(seen: Seen) -> Iterator[Remark]:
    """Yield that too many of the applicable checks could not be made, or one that decides."""
    known, applicable = counted(seen.verdicts)
    reached = seen.run.get("tensors") is not None and seen.run.get("tensors") == seen.run.get("tensors_reached")
    wanted = {"always"} if reached else {"always", "unmeasured"}
    if not seen.log.models:
        wanted = set()  # of bare tensors an optimizer holds all that there is, and no layer can be left out
    unknown = [v for v in seen.verdicts if v.state == UNKNOWN and v.code not in seen.decided]
    open_ = [verdict.code for verdict in unknown if verdict.rule.deciding in wanted]
    absent = sum(verdict.state == OFF and verdict.reason in ABSENCES for verdict in seen.verdicts)
    if known + absent < COVERED * (applicable + absent) or not known:
        yield Remark("coverage", {"known": known, "all": applicable})
    elif open_:
        yield Remark("deciding", {"codes": ", ".join(open_)})


def counted(verdicts: Collection[Verdict]) -> tuple[int, int]:
    """Return how many checks were decided, and how many apply to this kind of training."""
    # what the source alone shows is a matter of the source, which need not be there
    static = [v for v in verdicts if v.state == UNKNOWN and v.rule.evidence == "static"]
    applicable = [v for v in verdicts if v.state != OFF and v not in static]
    return sum(verdict.decided for verdict in applicable), len(applicable)


CHECKS: tuple[Callable[[Seen], Iterator[Remark]], ...] = (
    evaluation_nonfinite, loss_still, gradients_zero, steps_without_gradients, evaluation_worse, validation_rose,
    ended, loss_rose, beyond_limits, idle_optimizer, recreated_optimizer, unreached,
    unused_parameters, class_numbers, labels_copied, steps_rounded, terms_apart, no_success, learned_in_part,
    outputs_left_out, answers_wrong, labels_unfound, worse_than_plain, inputs_passed_on, printed_metrics,
    brief, coverage,
)  # fmt: skip
