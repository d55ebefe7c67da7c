"""Probe: what the user hands over in `advisor.step(loss)` and `advisor.validation(...)`."""

from typing import Any

import torch

from trainadvisor.log.records import EVAL, Record
from trainadvisor.record.context import Context, probe
from trainadvisor.record.device_readback import Reading
from trainadvisor.record.step import Arrived


@probe(order=140)
class UserMetricsProbe:
    """Adds given losses and validations to the log."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def on_given_loss(self, loss: object) -> None:
        """Use the given loss where the backward did not show one."""
        step = self._context.step
        if not step.losses:
            fields = step.fields
            step.expect(self._reading(loss), lambda values: fields.update(loss=values[0]))

    def on_given_validation(self, loss: object, metrics: dict[str, Any]) -> None:
        """Write an evaluation."""
        context = self._context
        record: Record = {
            "record": EVAL,
            "step": context.steps_done(),
            "epoch": context.last_epoch,
            "given": True,
            "metrics": {},
            "losses": {},
        }
        pending: list[tuple[Reading, Arrived]] = []
        if loss is not None:
            pending.append((self._reading(loss), lambda values: record.update(loss=values[0])))
        for name, value in metrics.items():
            pending.append((self._reading(value), _setter(record["metrics"], name)))
        context.write(record, pending)
        context.drain()

    def _reading(self, value: object) -> Reading:
        if isinstance(value, torch.Tensor):
            return self._context.values.read(value.detach().float().mean())
        return Reading([float(value)]) if isinstance(value, int | float) else Reading([float("nan")])


def _setter(metrics: dict[str, float], name: str) -> Arrived:
    return lambda values: metrics.update({name: values[0]})
