"""Probe: what the user hands over in `advisor.step(loss)` and `advisor.validation(...)`."""

from typing import TYPE_CHECKING, Any

import torch

from trainadvisor.log.records import EVAL, Record
from trainadvisor.record.device_readback import Reading
from trainadvisor.record.step import Arrived

if TYPE_CHECKING:
    from trainadvisor.record.recorder import Recorder


class GivenProbe:
    """Adds given losses and validations to the log."""

    def __init__(self, recorder: "Recorder") -> None:
        """Take the recorder."""
        self._recorder = recorder

    def on_given_loss(self, loss: object) -> None:
        """Use the given loss where the backward did not show one."""
        iteration = self._recorder.iteration
        if not iteration.losses:
            fields = iteration.fields
            iteration.expect(self._reading(loss), lambda values: fields.update(loss=values[0]))

    def on_given_validation(self, loss: object, metrics: dict[str, Any]) -> None:
        """Write an evaluation."""
        recorder = self._recorder
        recorder.evaluation.drop()
        record: Record = {
            "record": EVAL,
            "step": recorder.steps_done(),
            "epoch": recorder.last_epoch,
            "given": True,
            "metrics": {},
            "losses": {},
        }
        pending: list[tuple[Reading, Arrived]] = []
        if loss is not None:
            pending.append((self._reading(loss), lambda values: record.update(loss=values[0])))
        for name, value in metrics.items():
            pending.append((self._reading(value), _setter(record["metrics"], name)))
        recorder.outbox.put(record, pending)
        recorder.drain()

    def _reading(self, value: object) -> Reading:
        if isinstance(value, torch.Tensor):
            return self._recorder.values.read(value.detach().float().mean())
        return Reading([float(value)]) if isinstance(value, int | float) else Reading([float("nan")])


def _setter(metrics: dict[str, float], name: str) -> Arrived:
    return lambda values: metrics.update({name: values[0]})
