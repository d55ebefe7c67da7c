"""A recording of which a test says everything: what a probe that is told of events by hand is made with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trainadvisor.record.call_counts import CallCounts
from trainadvisor.record.device_readback import HostValues, Reading
from trainadvisor.record.loss_scale import LossScale
from trainadvisor.record.step import Arrived, Step

if TYPE_CHECKING:
    from collections.abc import Iterable


class ByHand:
    """Keeps what a probe tells; numbers are here at once."""

    def __init__(self, **parts: Any) -> None:
        self.step = Step(0, 0.0)
        self.values, self.counts, self.scale = HostValues(), CallCounts(), LossScale()
        self.told: list[tuple[str, str, dict[str, Any]]] = []
        self.written: list[dict[str, Any]] = []
        self.closer = self.done = self.drained = 0
        self.last_epoch: int | None = None
        vars(self).update(parts)

    @property
    def step_number(self) -> int:
        return self.step.number

    def steps_done(self) -> int:
        return self.done

    def event(
        self, kind: str, subject: str, detail: dict[str, Any], pending: Iterable[tuple[Reading, Arrived]] = ()
    ) -> None:
        _arrive(pending)
        self.told.append((kind, subject, dict(detail)))

    def write(self, record: dict[str, Any], pending: Iterable[tuple[Reading, Arrived]]) -> None:
        _arrive(pending)
        self.written.append(record)

    def drain(self) -> None:
        self.drained += 1

    def look_closer(self) -> None:
        self.closer += 1


def _arrive(pending: Iterable[tuple[Reading, Arrived]]) -> None:
    for reading, arrived in pending:
        assert reading.values is not None
        arrived(reading.values)
