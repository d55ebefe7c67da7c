"""What speaks against calling a run healthy whose weights are too coarse for its steps."""

from collections.abc import Iterator

from trainadvisor.judge.judgement import Remark
from trainadvisor.judge.seen import Seen

# Resolution of the weights below which most steps leave them as they are, as in low-precision-update-loss.
HALF_STEP = 0.5
# Skill of a run that has next to nothing left to learn, however its steps are rounded.
DONE = 0.95


def steps_rounded(seen: Seen) -> Iterator[Remark]:
    """Yield that most steps are rounded away in a run that has learned, but not all: nobody knows what they cost."""
    size, copies, skill = (seen.figure(name) for name in ("update_roundings", "foreign_parameters", "skill"))
    if size is not None and size < HALF_STEP and copies == 0 and (skill is None or skill < DONE):
        yield Remark("steps-rounded", {"size": size})
