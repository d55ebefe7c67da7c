"""Forwards with gradients of a model in eval mode: of an evaluation that forgot no_grad, or of a training."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from trainadvisor.record.evaluations import loss_free_answers
from trainadvisor.record.evaluations.evaluation_source import Source, Sources, Stretch, first_input
from trainadvisor.record.evaluations.evaluation_sums import AnswerSums

if TYPE_CHECKING:
    from trainadvisor.record.losses.loss_registry import LossRegistry
    from trainadvisor.record.step import Call


@dataclass
class Looked:
    """What a forward gave, measured at once: it holds no output."""

    source: Source
    model: int
    care: bool
    first: bool
    examples: int = 0
    answers: AnswerSums = field(default_factory=AnswerSums)


class UnclearForward:
    """The last such forward; a backward shows that it was the training's, the next forward that it was not."""

    def __init__(self) -> None:
        """Begin without one."""
        self._looked: Looked | None = None
        # The memory of its input.
        self._given: Stretch | None = None
        self._trains = False

    @property
    def is_open(self) -> bool:
        """Return whether there is one."""
        return self._trains

    def begin(self, call: "Call", sources: Sources) -> None:
        """Take a forward that begins; it is measured where the script has called eval() since the last step."""
        self._given, self._trains = Stretch.of(first_input(call)), True
        if sources.announced and call.model.trained:
            first, care = sources.fresh, bool(call.caring)
            self._looked = Looked(sources.of_forward(), call.model.number, care, first)

    def end(self, call: "Call", sources: Sources, losses: "LossRegistry") -> None:
        """Measure its output."""
        looked = self._looked
        if looked is not None and not looked.examples:
            given = first_input(call)
            looked.examples = given.shape[0] if given is not None else 1
            batch = sources.take(call, first=looked.first)
            loss_free_answers.measure(looked.answers, call, batch, losses.train_kinds())

    def take(self) -> Looked | None:
        """Return what it gave, since no backward has followed."""
        looked, self._looked, self._given, self._trains = self._looked, None, None, False
        return looked

    def forget(self, sources: Sources) -> None:
        """Take that it was the training's."""
        if self._trains:
            used = sources.train()
            if used is None and sources.by_hand:
                sources.remember(self._given)
        self.take()
