"""How many steps are left out after each that is recorded."""

import math
from typing import Any

# No step is left out before: short runs are recorded whole.
FIRST_STEP = 1000
# Steps in a row that may be left out: at first, later one more for each so many steps of the run, and at most.
MOST, _ONE_MORE, _AT_MOST = 7, 250, 31


# A plan, whose slots are known from inside.
def left_out(plan: Any) -> int:
    """Return how many steps are left out after each that is recorded, so that all together cost their share."""
    if plan.number < FIRST_STEP or plan.recorder.processes > 1:
        return 0
    recorded, passed = plan.own
    share = plan.seconds * float(plan.cost.budget.share)
    if recorded <= share:
        return 0
    most = max(MOST, min(_AT_MOST, int(plan.number) // _ONE_MORE))
    return most if recorded - share > most * (share - passed) else math.ceil((recorded - share) / (share - passed))
