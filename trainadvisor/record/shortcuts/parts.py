"""What all shortcuts share: the recording, and the probes whose state they keep."""

import math
from collections.abc import Mapping
from threading import get_ident
from typing import TYPE_CHECKING, Any

from trainadvisor import clocks
from trainadvisor.instrument.private_torch import eval_frame
from trainadvisor.record.context import Routine

if TYPE_CHECKING:
    from weakref import ref

    import torch

    from trainadvisor.record.losses.loss_calls import LossEntry
    from trainadvisor.record.objects.watched_model import Model
    from trainadvisor.record.overhead import Overhead
    from trainadvisor.record.shortcuts.arming import Arming

now = clocks.perf_counter
ident = get_ident
# A frame of ours that torch.compile would look at takes the long way, which keeps it from that.
looked_at = eval_frame
# Arguments by name that no record tells of.
SWITCHES = (bool, type(None))


class Parts:
    """The recording, its probes by the names of their classes, and where shortcuts end.

    Every shortcut begins with the same question, written out for speed: is the event of the thread that trains, and not
    in a frame that torch.compile looks at? Then it asks whether all that it leaves out has nothing to do; only then it
    changes anything, and what it changes is what the handlers would have. What only events that go the long way can
    change is asked once after each of these (`_is_quiet`).
    """

    # A recorder, whose parts and probes shortcuts know from inside.
    def __init__(self, recorder: Any, probes: Mapping[str, Any], routine: Routine) -> None:
        self._recorder, self._routine = recorder, routine
        self._cost: Overhead = recorder.cost
        self._thread: int | None = None
        # The first step that is closed the long way: it, or the next one, is special to a probe.
        self._next_look: float = -math.inf
        # The first step at whose end the memory is read, as far as plain steps know.
        self.next_memory = 0
        # The first step that may be sampled.
        self._next_tier: float = -math.inf
        # The model whose forward runs, and what it was given.
        self._running: tuple[Model, torch.Tensor] | None = None
        # The optimizer (its id) whose step has begun by the shortcut.
        self._stepping: int | None = None
        # The optimizer (its id) that has stepped last, and the last loss: where it is called, its kind and reduction.
        self._stepped: int | None = None
        self._called: tuple[list[Any], str, str, LossEntry] | None = None
        # The framework's own object that computed it.
        self._told: ref[Any] | None = None
        # The losses of which only the value is wanted, by the user's call.
        self._sites: dict[tuple[Any, ...], LossEntry] = {}
        # Whether the end of a forward goes the long way.
        self._ends_long = self._close_long = False
        # Whether the batches of a pass are counted.
        self._passes_open = False
        # Whether the rows that are trained on are taken.
        self._rows_open = False
        self._timing, self._order = probes["TimingProbe"], probes["CallOrderProbe"]
        self._losses, self._evaluation = probes["TrainingLossProbe"], probes["EvaluationProbe"]
        self._nonfinite, self._sequence = probes["NonfiniteProbe"], probes["SequenceAxesProbe"]
        self._twins, self._clipping = probes["IdleTwinProbe"], probes["ClipOrderProbe"]
        self._clips, self._passes = probes["ClipCallProbe"], probes["BrokenPassesProbe"]
        self._coverage, self._renewed = probes["ParameterCoverageProbe"], probes["OptimizerRenewalProbe"]
        self._framework, self._rows = probes["FrameworkProbe"], probes["SharedRowsProbe"]
        self._copies = probes["WorkerCopiesProbe"]
        self._policy, self._boundaries = probes["PolicyStatisticsProbe"], recorder.boundaries
        self._counts, self._objects = recorder.counts, recorder.objects

    # Arms the plan of whole steps.
    arming: "Arming"

    def _close(self) -> bool:
        """Close the current step; return whether the next one may be plain too."""
        raise NotImplementedError

    def _is_quiet(self) -> bool:
        """Return whether nothing is under way that an event of a plain step would end, or that it would be told to."""
        recorder, order, evaluation, boundaries = self._recorder, self._order, self._evaluation, self._boundaries
        if evaluation._tentative or evaluation._open or evaluation._unclear.is_open or evaluation._running is not None:
            return False
        if self._sequence._waiting or self._clipping._waiting or self._copies._passes:
            return False
        if order._cleared_after_backward or order._found or recorder._filter._foreign_backward:
            return False
        if recorder.losses.nonfinite is not None and not self._nonfinite._done:
            return False
        free = boundaries.free_running or not boundaries.optimizer_seen or boundaries._lost_cycles
        return not (free or recorder.step.skipped)
