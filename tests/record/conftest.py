"""Every training here starts from one seed and runs in one thread."""

from typing import Any

import pytest
from seeding import seeded

from trainadvisor.record import record_queue
from trainadvisor.record.probes import seen_rows
from trainadvisor.record.sampling import Tier
from trainadvisor.record.shortcuts.closing import Closing
from trainadvisor.record.shortcuts.plan_course import PlanCourse

__all__ = ["seeded"]

_APART = 37


def _due(tier: Tier, step: int, _: float) -> bool:
    forced, tier.forced = tier.forced, False
    return forced or step < 3 or step - tier.last >= _APART


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Samples by the step alone, probes that soon have seen enough; return the steps that were closed at once."""
    monkeypatch.setattr(Tier, "due", _due)
    monkeypatch.setattr(Tier, "_gap", lambda *_: _APART)
    monkeypatch.setattr(seen_rows, "_MOST_TRAINED", 64)
    monkeypatch.setattr(record_queue, "_LONG", float("inf"))  # a busy machine makes any step long
    closed: list[int] = []
    original = Closing._write

    def noted(shortcuts: Any, step: Any) -> bool:
        closed.append(step.number)
        return original(shortcuts, step)

    monkeypatch.setattr(Closing, "_write", noted)
    by_plan = PlanCourse._close

    def planned(plan: Any) -> bool:
        number, taken = plan.number, by_plan(plan)
        closed.extend([number] if taken else [])
        return taken

    monkeypatch.setattr(PlanCourse, "_close", planned)
    return closed
