"""What a plan knows, how it is left, and how it closes a step."""

from types import CodeType
from typing import TYPE_CHECKING, Any

from trainadvisor.instrument.hidden_frame import veiled
from trainadvisor.instrument.shortcut_slot import slot
from trainadvisor.log.records import STEP, Record
from trainadvisor.record.probes.timing import read_memory
from trainadvisor.record.shortcuts.clock import Clock
from trainadvisor.record.shortcuts.leaving import bring_up_to_date
from trainadvisor.record.shortcuts.left_out_steps import LeftOutSteps
from trainadvisor.record.shortcuts.parts import ident
from trainadvisor.record.shortcuts.states import DONE, OFF, START

if TYPE_CHECKING:
    import torch

    from trainadvisor.record.losses.loss_calls import LossEntry
    from trainadvisor.record.objects.watched_model import Model

# Of so many steps of a kind one is measured by the clock, which costs as much as a step.
_CLOCKED = 64


class PlanCourse:
    """Closes steps that are made of the same calls as the one before, by one model and one optimizer."""

    # Slots, because what is looked up in the dictionary of a class with many attributes is seldom in the caches.
    __slots__ = (
        "active", "args", "batch", "begun", "cares", "cleared", "clip", "clocked", "clocks", "closure", "collects",
        "cost", "count", "ended", "entry", "first", "frames", "given", "held", "inside", "jumps", "key", "kind",
        "line", "loads", "model", "module", "modules", "nonfinite", "number", "objects", "opt", "order", "own",
        "queue", "rates", "recorder", "reduction", "rest", "result", "root", "scaled", "seconds", "shortcuts", "size",
        "sizes", "sources", "state", "step", "thread", "timing", "told", "trained", "tried", "twin", "unbooked",
        "until", "value", "version", "waited", "wanted", "zeros",
    )  # fmt: skip

    # What is known from arming on: until the plan is left, only what it has taken changes it.
    model: "Model"
    entry: "LossEntry"
    held: Any
    # Where the loss is called, as steps out of its frame, code and instruction; the last is the user's.
    frames: list[tuple[int, CodeType, int]]
    twin: Any
    line: Any
    # Refers to the framework's own object that computes the loss.
    told: Any

    # Shortcuts, whose parts a plan knows from inside.
    def __init__(self, shortcuts: Any) -> None:
        self.shortcuts, self.recorder = shortcuts, shortcuts._recorder
        self.queue, self.cost = self.recorder.queue, self.recorder.cost
        self.timing, self.jumps = shortcuts._timing, shortcuts._losses._jumps
        self.sources, self.nonfinite = shortcuts._evaluation.sources, shortcuts._nonfinite
        self.order, self.objects = shortcuts._order, shortcuts._objects
        self.active, self.state = False, START
        self.thread: int | None = None
        # The first step that is closed another way.
        self.until = 0.0
        # Of the current step: its number and time, and what was seen of it.
        self.number = self.first = 0
        self.begun = self.ended = self.trained = self.waited = 0.0
        self.value, self.version, self.batch = 0.0, 0, 0
        self.rates: list[float] = []
        # Threshold and norm of a clipping.
        self.clip: tuple[float, float] | None = None
        # Whether a step is a closure of its optimizer's, and whether that runs.
        self.closure = self.inside = False
        self.args: tuple[Any, ...] = ()
        self.given: torch.Tensor | None = None
        # What the loss function gave, and what is differentiated: that itself, or where it is scaled a multiple of it.
        self.result: torch.Tensor | None = None
        self.root: object = None
        self.scaled = False
        # Whether no gradient is left of the step before.
        self.cleared, self.zeros = False, 0
        # Examples by the shape of a batch.
        self.sizes: dict[torch.Size, int] = {}
        self.module: Any = None
        self.kind, self.reduction, self.count, self.key, self.size = "", "", 1, 0, 0
        self.modules, self.loads, self.cares = 0, False, False
        # Whether the rows that are trained on are taken.
        self.collects = False
        self.step: Any = None
        self.opt: list[int] = []
        self.tried: list[int] = []
        # Seconds that a step costs, of those that are recorded and left out, as the measured ones do; then those that a
        # step takes as a whole.
        self.own, self.seconds = [0.0, 0.0], 0.0
        # The steps of both kinds after which the next one is measured, and how many costs are not booked yet.
        self.clocked, self.unbooked = [0, 0], [0, 0]
        # Steps left out after each that is recorded, who takes these, and the clocks of both kinds.
        self.wanted, self.rest = 0, LeftOutSteps(self)
        self.clocks = Clock(self, self, 0), Clock(self, self.rest, 1)

    def leave(self, *, force: bool = False) -> None:
        """Put everything into the state that the handlers would have left; only in the thread that trains."""
        slot.plan = None
        if self.active and (force or ident() == self.thread):
            self.active = False
            try:
                if self.rest.state != OFF:
                    self.rest.hand_back()
                self.shortcuts.arming.left(self.number - self.first)
                bring_up_to_date(self)
            except Exception as error:  # noqa: BLE001 - `failed` lets pass what is not ours
                self.failed(error)

    def failed(self, error: Exception) -> bool:
        """Take no shortcut any more after a mistake of ours."""
        slot.plan = None
        try:
            return bool(self.shortcuts.failed(error))
        finally:
            del error  # its traceback holds this frame

    def steps_done(self) -> int:
        """Return how many steps have been taken, the open one included once its optimizer has stepped."""
        taker = self if self.rest.state == OFF else self.rest
        return int(taker.number) + (taker.state == DONE)

    @veiled
    def unexpected(self) -> bool:
        """Leave the plan; return False."""
        self.leave()
        return False

    # The end of a step

    def _close(self) -> Any:
        """Write the record of the step; return who takes the next one, None if either is special to a probe."""
        number, recorder, queue, ended = self.number, self.recorder, self.queue, self.ended
        held = self.objects.held
        if number >= self.until or self.objects._dropped or queue._waiting or (held._orphans and held.has_free()):
            return self.leave()
        seconds, fields = ended - self.begun, self.step.fields
        record: Record = {
            "record": STEP, "step": number, "opt": self.opt, "seconds": seconds, "micro": 1, **fields,
            "batch": self.batch, "loss_id": self.entry.number, "loss": self.value, "lr": self.rates,
        }  # fmt: skip
        if self.clip is not None:
            record["clip_max"], record["clip_norm"] = self.clip
            self.clip = None
        if self.loads:
            record["wait"], self.timing._wait = self.timing._wait, 0.0
            recorder.last_epoch = fields.get("epoch", recorder.last_epoch)
            fields.clear()
        record["mode"] = "train"
        if number >= self.shortcuts.next_memory:
            self.shortcuts.next_memory = read_memory(number, record)
        self._go_on(number)
        recorder._busy = True
        try:
            queue.emit_plain(record)
        finally:
            recorder._busy = False
        self.seconds = seconds - record.get("wait", 0.0)
        return slot.plan if self.active else None

    def _go_on(self, number: int) -> None:
        """Begin the next step, and choose who takes it."""
        self.begun = self.step.begun = self.ended
        self.number = self.step.number = self.recorder.step_number = number + 1
        self.state = START
        self.unbooked[0] += 1
        steps = int(min(self.wanted, self.until - number - 3, self.shortcuts.next_memory - number - 1))
        rests = steps > 0
        if rests:
            self.rest.begin(steps)
        if number >= self.clocked[rests]:
            self.clocked[rests] = number + _CLOCKED
            slot.plan = self.clocks[rests].begin()
        else:
            slot.plan = self.rest if rests else self

    def begin(self, number: int, until: float) -> None:
        """Be armed for a step, up to the first one that is closed another way."""
        self.until, self.number, self.first, self.clocked[0] = until, number, number, number
        self.state, self.active = START, True
        slot.plan = self if self.own[0] else self.clocks[0].begin()

    def book(self) -> None:
        """Count what the steps since the last time have cost."""
        self.cost.spent += sum(many * own for many, own in zip(self.unbooked, self.own, strict=True))
        self.cost._spent_before, self.unbooked = self.cost.spent, [0, 0]
