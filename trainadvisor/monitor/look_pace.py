"""When to look at a growing log: seldom enough that looking costs little, and early where somebody waits for it."""

from __future__ import annotations

from trainadvisor import clocks

# The part of the time that looking may take.
SHARE = 1 / 20
# Where steps count: looks at 20, 40, 80 steps, then at every 50th.
FIRST_STEPS, APART = 20, 50
# Seconds that looks by steps may take beyond that part: in short runs none of them is left out.
BURST = 3.0


class LookPace:
    """Looks are due by seconds, with the back-off that their cost asks for, and if so wished by steps too."""

    def __init__(self, first: float = 4.0, apart: float = 4.0, *, by_steps: bool = False) -> None:
        """Take the seconds before the first look and those between two looks, both at least."""
        # Seconds that the last look took.
        self.cost: float | None = None
        self._apart, self._by_steps = apart, by_steps
        self._began = clocks.monotonic()
        # The moment of the next look by seconds.
        self.moment = self._began + first
        self._step: int = FIRST_STEPS
        self._spent = 0.0

    def due(self, now: float, step: int) -> bool:
        """Return whether to look now, the log being at this step."""
        return now >= self.moment or self.due_by_steps(now, step)

    def due_by_steps(self, now: float, step: int) -> bool:
        """Return whether the log has come to a step at which to look, and a look is not too dear."""
        if not self._by_steps or step < self._step:
            return False
        return self._spent + (self.cost or 0.0) <= self.allowance(now)

    def allowance(self, now: float) -> float:
        """Return the seconds that looks by steps may have taken by now."""
        return BURST + SHARE * (now - self._began)

    def looked(self, began: float, ended: float, step: int) -> None:
        """Take when a look at this step began and ended."""
        self.cost = ended - began
        self._spent += self.cost
        self.moment = ended + max(self._apart, self.cost / SHARE)
        self._step = step + min(APART, max(FIRST_STEPS, step))

    def ask(self, step: int) -> None:
        """Look at this step, if not before."""
        self._step = min(self._step, step)
