"""Steps that nobody records near the end of a shortened run: what a step takes by itself."""

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from trainadvisor import clocks
from trainadvisor.changes.applying.change_application import ChangeApplication
from trainadvisor.changes.declaration import change

if TYPE_CHECKING:
    from trainadvisor.record.recorder import Recorder

# Steps below which their median says little.
FEWEST = 6


@change(
    "unrecorded-steps",
    zh="在缩短的运行接近结束时，有若干步不作记录，只计时。",
    limits="Trainings with several optimizers, and those whose optimizer is none of torch, are recorded throughout.",
    limits_zh="有多个优化器的训练，以及优化器不是 torch 优化器的训练，会从头到尾被记录。",
    acts_after_first_step=True,
)
def unrecorded_steps(application: ChangeApplication, *, after: int = 50, count: int = 40, seconds: float = 5.0) -> None:
    """Time some steps that nothing of ours takes part in; the training stays as it is."""
    application.patient = True
    application.never = "the run was too short, or no optimizer of torch makes each of its steps"
    if application.session.recorder is not None:
        _Unrecorded(application, application.session.recorder, after, count, seconds)


class _Unrecorded:
    """Leaves the training alone from one optimizer step to another."""

    def __init__(
        self, application: ChangeApplication, recorder: "Recorder", after: int, count: int, seconds: float
    ) -> None:
        self._application, self._session, self._recorder = application, application.session, recorder
        self._after, self._most, self._seconds = after, count, seconds
        self._wanted = self._stepped = 0
        self._times: list[float] = []
        application.when("unrecorded", self._note)
        application.when("end", self._go_on)
        from torch.optim.optimizer import register_optimizer_step_post_hook

        self._recorder.queue.subscribers.append(self.look)
        hook = register_optimizer_step_post_hook(lambda *_: application.tell("unrecorded"))
        self._session.undo_for_good(hook.remove)

    def look(self, record: dict[str, Any]) -> None:
        """Begin where a step was closed, once there were enough, each of them made by the only optimizer."""
        if record["record"] != "step" or self._wanted or record["step"] + 1 < self._after:
            return
        one = len(self._session.optimizers) == 1 and self._stepped == record["step"] + 1
        count = min(self._most, int(self._seconds / max(record["seconds"], 1e-9)))
        if one and count >= FEWEST and not self._recorder.sampling:
            self._wanted = count
            self._session.rest()
            self._recorder.pause()

    def _note(self) -> None:
        """Take the end of an optimizer step."""
        self._stepped += 1
        if self._wanted and len(self._times) <= self._wanted:
            self._times.append(clocks.perf_counter())
            if len(self._times) > self._wanted:
                self._go_on()

    def _go_on(self) -> None:
        """Record and change again what comes, and tell how long the steps took."""
        if not self._session.resting:
            return
        self._recorder.resume()
        self._session.wake()
        gaps = [after - before for before, after in pairwise(self._times)]
        if len(gaps) >= FEWEST:
            self._recorder.event("unrecorded-steps", "", {"seconds": gaps})
            self._application.done(f"{len(gaps)} steps that were not recorded")
