"""One evaluation in the making, and the record that it becomes."""

from dataclasses import dataclass, field

import torch

from trainadvisor.instrument import call_sites
from trainadvisor.log.records import EVAL, Record
from trainadvisor.record.device_readback import Reading
from trainadvisor.record.evaluations.evaluation_source import Source
from trainadvisor.record.evaluations.evaluation_sums import AnswerSums, LossSums, Pending, Read
from trainadvisor.record.objects.known_tensor import Memory, lies_in_memory, same_memory


@dataclass
class OpenEvaluation:
    """What is gathered between the first forward of an evaluation and its end."""

    source: Source
    series: int
    begun: float
    step: int
    epoch: int | None
    ended: float = 0.0
    forwards: int = 0
    on_training_data: int = 0
    mode: str = "eval"
    care: bool = False
    wrong_mode: list[str] = field(default_factory=list)
    model: int | None = None
    parts: dict[int, LossSums] = field(default_factory=dict)
    # Losses (numbers) that are called while the forward of the model runs.
    inner: set[int] = field(default_factory=set)
    # What is known without a loss.
    answers: AnswerSums = field(default_factory=AnswerSums)
    examples: int = 0
    # The memory of what the last forward gave.
    outputs: list[Memory] = field(default_factory=list)
    announced: bool = False
    drawn: int = 0
    split: str | None = None

    @property
    def has_metrics(self) -> bool:
        """Return whether outputs were compared with targets."""
        return bool(self.answers.right or self.answers.squares or self.answers.overlaps)

    def gave(self, prediction: torch.Tensor) -> bool:
        """Return whether a prediction shares its memory with what the last forward gave."""
        return lies_in_memory(prediction) and any(same_memory(output, prediction) for output in self.outputs)

    def record(self, number: int | None, read: Read, pending: Pending) -> Record:
        """Return the record; its loss is the one with this id, or there is none."""
        record: Record = {"record": EVAL, "step": self.step, "epoch": self.epoch, "model": self.model,
                          "mode": self.mode, "care": self.care, "train_mode_modules": self.wrong_mode,
                          "split": self.split, "series": self.series, "site": self.site, "losses": {}, "metrics": {},
                          "loss_id": number, "seconds": self.ended - self.begun}  # fmt: skip
        for part in self.parts.values():
            part.tell(record["losses"], read, pending)
        if number is None:
            record["examples"], record["batches"] = self.examples, self.forwards
            self.answers.tell(record, read, pending)
            return record
        part = self.parts[number]
        record["examples"], record["batches"] = sum(part.examples), len(part.examples)
        part.answers.tell(record, read, pending)
        part.targets.tell(record, read, pending)
        pending.append((Reading([]), lambda _: record.update(loss=record["losses"].get(str(number)))))
        return record

    @property
    def site(self) -> Record | None:
        """Return the user's line that calls the model."""
        return call_sites.describe(self.source.place[0][:2] if self.source.place else None)
