"""What speaks against calling a run healthy: contradictions in what was seen, and what was not seen.

Each is a remark: a code and the figures that it is about, which `trainadvisor.telling.doubt_texts` puts into words.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from trainadvisor.judge.curve_doubts import curve_doubts
from trainadvisor.judge.engine import CURVES
from trainadvisor.judge.judgement import Remark
from trainadvisor.judge.rounding_doubts import steps_rounded
from trainadvisor.judge.rule_verdict import OFF, UNKNOWN, SignalSource, Verdict
from trainadvisor.judge.success import LEARNT, evaluation_skill, fallen, successes
from trainadvisor.log.cleaning import number
from trainadvisor.log.reader import RunLog
from trainadvisor.signals.losses import REGRESSING, judged_loss

FEWEST_STEPS = 20
# Steps below which a run is called healthy only where it has learned half of everything on every scale.
BRIEF = 100
HALF = 0.5
# Share of the applicable checks that has to be decided.
COVERED = 0.8
# Relative range of the loss over the whole run: sound runs move by 0.3 and more, a constant by rounding.
STILL = 1e-3
# Rise of the validation loss in noises and in trivial losses; sound runs reach 225 and 0.013, or 7.8 and 0.057.
RISEN_NOISE, RISEN_SHARE = 10.0, 0.05
MOSTLY = 0.5
# Gradients of the first layers over those of the last, or the reverse: sound runs reach 245, and vanishing-gradients
# begins at the same ratio.
MOST_APART = 1000.0
# Share of dead units in the worst layer: 0.70 at most in sound runs, which still learn.
MOST_DEAD = 0.7
ENOUGH_EXAMPLES = 100
# How many times as much an example or a value counts in one term as in another: weighed sums reach 4.
OUTNUMBERED = 10.0
# How a log writes numbers that JSON has no words for.
WORDS = ("nan", "inf", "-inf")
# Optimizers of the same parameters from one line: a new one for each of a few stages is on purpose.
OFTEN = 5
# Share of an optimizer's elements that belong to modules which were never called.
UNUSED = 0.01
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
    "class-numbers", "labels-copied", "steps-rounded", "terms-apart",
})  # fmt: skip


@dataclass(frozen=True)
class Seen:
    """What a doubt is derived from."""

    log: RunLog
    signals: SignalSource
    verdicts: Collection[Verdict]
    contexts: Collection[str]
    run: dict[str, Any]

    def figure(self, name: str) -> float | None:
        """Return a signal that is a number."""
        value = self.signals.get(name)
        return float(value) if isinstance(value, (int, float)) else None


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


def evaluation_nonfinite(seen: Seen) -> Iterator[Remark]:
    """Yield evaluations whose loss is NaN or infinite."""
    losses = [record.get("loss") for record in seen.log.evals]
    known = [float(loss) for loss in losses if isinstance(loss, (int, float)) or loss in WORDS]
    bad = len(known) - int(np.isfinite(known).sum())
    if bad:
        yield Remark("evaluation-nonfinite", {"bad": bad, "evals": len(losses)})


def loss_still(seen: Seen) -> Iterator[Remark]:
    """Yield a loss that stays at one constant from the first step to the last."""
    loss = seen.log.column("loss")
    loss = loss[np.isfinite(loss)]
    if loss.size >= FEWEST_STEPS and np.ptp(loss) <= STILL * abs(float(np.median(loss))):
        yield Remark("loss-still", {"value": float(np.median(loss)), "steps": int(loss.size)})


def gradients_zero(seen: Seen) -> Iterator[Remark]:
    """Yield gradients that are exactly zero at every sampled step."""
    norms = seen.log.column("grad_norm")
    norms = norms[np.isfinite(norms)]
    if norms.size and not norms.any():
        yield Remark("gradients-zero", {"samples": int(norms.size)})


def steps_without_gradients(seen: Seen) -> Iterator[Remark]:
    """Yield optimizer steps that found no gradient of the optimizer's own parameters."""
    alone = seen.log.column("no_grad")
    known = alone[np.isfinite(alone)]
    share = max(seen.figure("no_grad_share") or 0.0, float(known.mean()) if known.size else 0.0)
    if share > MOSTLY / max(len(seen.log.optimizers), 1) and share > 0:
        yield Remark("steps-without-gradients", {"share": share})


def evaluation_worse(seen: Seen) -> Iterator[Remark]:
    """Yield an evaluation that is worse than a constant answer, or hardly better."""
    skills = [skill for skill in (seen.figure("val_skill_best"), evaluation_skill(seen.log)) if skill is not None]
    if not skills:
        return
    best, examples = max(skills), seen.figure("val_examples") or 0
    learned = (seen.figure("skill") or 0.0) >= LEARNT or bool(list(fallen(seen.log, seen.signals)))
    if best < 0 and learned and examples >= ENOUGH_EXAMPLES:
        yield Remark("evaluation-worse", {"share": -best})
    elif best < LEARNT:
        yield Remark("evaluation-weak", {"share": max(best, 0.0)})


def validation_rose(seen: Seen) -> Iterator[Remark]:
    """Yield a validation loss that rose from its best by far more than its noise.

    With a codebook it rises as the code vectors and the encoder's answers grow apart in scale.
    """
    if "codebook" in seen.contexts:
        return
    noises, share = seen.figure("val_rise_z"), seen.figure("val_rise_share")
    if noises is not None and share is not None and noises > RISEN_NOISE and share > RISEN_SHARE:
        best, final = seen.run.get("val_loss_best"), seen.run.get("val_loss_final")
        yield Remark("validation-rose", {"best": best, "final": final, "noise": seen.run.get("val_noise")})


def loss_rose(seen: Seen) -> Iterator[Remark]:
    """Yield a loss without a yardstick that ends no lower than it began, unless it is a policy's whose reward rose."""
    if "reinforcement" in seen.contexts and list(successes(seen.log, seen.signals)):
        return
    first, final = seen.figure("loss_first"), seen.figure("loss_final")
    if first is not None and final is not None and final >= first and seen.figure("skill") is None:
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


def idle_optimizer(seen: Seen) -> Iterator[Remark]:
    """Yield optimizers with parameters that never stepped, but for those around another one that did (as in SAM)."""
    used = {number for turn in seen.log.turns for number in turn}
    held = {o["id"]: {number for group in o["groups"] for number in group["parameters"]} for o in seen.log.optimizers}
    stepped = set().union(*(held[number] for number in used if number in held))
    idle = [o for o in seen.log.optimizers if o["id"] not in used and held[o["id"]] - stepped]
    if used and idle:
        yield Remark("optimizer-idle", {"count": len(idle), "all": len(seen.log.optimizers)})


def recreated_optimizer(seen: Seen) -> Iterator[Remark]:
    """Yield that one line made the optimizer of the same parameters again and again, which forgets its state.

    Weights that were drawn or loaded anew before each of them begin a training of their own, as in a cross-validation.
    """
    if not seen.signals.get("renewed_optimizers"):
        return
    used = [o for o in seen.log.optimizers if o["id"] in seen.log.phase.optimizers]
    made = Counter(
        (str(o.get("site")), *(parameter for group in o["groups"] for parameter in group["parameters"])) for o in used
    )
    count = max(made.values(), default=0)
    if count >= OFTEN:
        yield Remark("optimizer-anew", {"count": count})


def unreached(seen: Seen) -> Iterator[Remark]:
    """Yield trainable tensors that never got a gradient."""
    count, reached = seen.run.get("tensors"), seen.run.get("tensors_reached")
    if count is not None and reached is not None and reached < count:
        yield Remark("unreached", {"count": count - reached, "all": count})


def unused_parameters(seen: Seen) -> Iterator[Remark]:
    """Yield what an optimizer holds of modules that were never called."""
    last = {event["subject"]: event["detail"] for event in seen.log.events if event["kind"] == "unused-parameters"}
    for detail in last.values():
        if float(detail["share"]) >= UNUSED:
            yield Remark("unused-parameters", {"count": detail["tensors"], "all": detail["held"]})


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
                yield Remark(kind)
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
    open_ = [verdict.code for verdict in seen.verdicts if verdict.state == UNKNOWN and verdict.rule.deciding in wanted]
    if known < COVERED * applicable or not known:
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
    unused_parameters, class_numbers, labels_copied, steps_rounded, terms_apart, no_success, brief, coverage,
)  # fmt: skip
