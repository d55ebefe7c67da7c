"""What evaluations say against calling a run healthy."""

from collections.abc import Iterator

import numpy as np

from trainadvisor.judge.judgement import Remark
from trainadvisor.judge.seen import Seen
from trainadvisor.judge.success import LEARNT, evaluation_skill, fallen

# Rise of the validation loss in noises and in trivial losses; sound runs reach 225 and 0.013, or 7.8 and 0.057.
RISEN_NOISE, RISEN_SHARE = 10.0, 0.05
ENOUGH_EXAMPLES = 100
# How a log writes numbers that JSON has no words for.
WORDS = ("nan", "inf", "-inf")


def evaluation_nonfinite(seen: Seen) -> Iterator[Remark]:
    """Yield evaluations whose loss is NaN or infinite."""
    losses = [record.get("loss") for record in seen.log.evals]
    known = [float(loss) for loss in losses if isinstance(loss, (int, float)) or loss in WORDS]
    bad = len(known) - int(np.isfinite(known).sum())
    if bad:
        yield Remark("evaluation-nonfinite", {"bad": bad, "evals": len(losses)})


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
