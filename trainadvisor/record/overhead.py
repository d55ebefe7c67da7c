"""The recorder's own clock: what recording costs, and the budget that this is held against."""

from collections.abc import Callable

from trainadvisor import background, clocks
from trainadvisor.log.records import Record
from trainadvisor.record.sampling import Budget
from trainadvisor.record.step import Step


class Overhead:
    """Measures the time of a recorder; `entered` and `spent` are kept by the recorder itself at every event."""

    def __init__(self, budget: Budget, tell: Callable[[Record], None]) -> None:
        self.budget, self._write = budget, tell
        self.started = self.entered = clocks.perf_counter()
        self.spent = 0.0
        self._threads_before = background.seconds()
        self._spent_before = self._paused = 0.0
        self._told = False
        # When a model was first called, 0 before.
        self._trains_from = 0.0

    def begin(self) -> None:
        """Take that a model is called: what was before the first call, such as imports, is no time of the training."""
        self._trains_from = self._trains_from or self.entered

    def spend(self, seconds: float) -> None:
        """Count time that was spent for the recorder outside of its events."""
        self.spent += seconds

    def share(self) -> float:
        """Return the part of the time since a model was first called that the recorder and its threads took."""
        threads = max(0.0, background.seconds() - self._threads_before)
        whole = clocks.perf_counter() - (self._trains_from or self.started)
        return min(1.0, (self.spent + threads) / max(1e-9, whole))

    def pause(self) -> None:
        """Stop the clock of the training."""
        self._paused = clocks.perf_counter()

    def resume(self) -> float:
        """Let the clock of the training go on; return the seconds that do not count."""
        gap = clocks.perf_counter() - self._paused
        self.started += gap
        self._trains_from += gap if self._trains_from else 0.0
        return gap

    def leave_out(self, seconds: float) -> None:
        """Keep time that has passed inside of an event out of what recording costs."""
        self.entered += seconds

    def skip(self) -> None:
        """Leave out steps that were not recorded."""
        self._spent_before = self.spent

    def book(self, step: Step, ended: float) -> None:
        """Charge the budget with what a step has cost; tell once that it holds samples back."""
        spent = self.spent + clocks.perf_counter() - self.entered
        own, self._spent_before = spent - self._spent_before, spent
        seconds = ended - step.begun - step.fields.get("wait", 0.0)
        self.budget.book(step.number, seconds, own, step.sample_gradients, step.sample_layers)
        if self.budget.backed_off and not self._told:
            self.tell()

    def tell(self) -> None:
        """Write what the recording costs, and whether samples were left out for that."""
        self._told = self.budget.backed_off
        self._write({"share": self.share(), **self.budget.fact()})
