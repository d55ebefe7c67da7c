"""What optimizers and the tensors that they hold say against calling a run healthy."""

from collections import Counter
from collections.abc import Iterator

import numpy as np

from trainadvisor.judge.judgement import Remark
from trainadvisor.judge.seen import Seen

# Optimizers of the same parameters from one line: a new one for each of a few stages is on purpose.
OFTEN = 5
# Share of an optimizer's elements that belong to modules which were never called.
UNUSED = 0.01
# Share of the steps beyond which most had no gradient.
MOSTLY = 0.5


def steps_without_gradients(seen: Seen) -> Iterator[Remark]:
    """Yield optimizer steps that found no gradient of the optimizer's own parameters."""
    alone = seen.log.column("no_grad")
    known = alone[np.isfinite(alone)]
    share = max(seen.figure("no_grad_share") or 0.0, float(known.mean()) if known.size else 0.0)
    if share > MOSTLY / max(len(seen.log.optimizers), 1):
        yield Remark("steps-without-gradients", {"share": share})


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
