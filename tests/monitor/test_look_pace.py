"""When a growing log is looked at: by seconds with a back-off, and by steps where somebody relies on it."""

from __future__ import annotations

import pytest

from trainadvisor.monitor import look_pace
from trainadvisor.monitor.look_pace import LookPace


@pytest.fixture(autouse=True)
def stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every pace begin at second 100."""
    monkeypatch.setattr(look_pace.clocks, "monotonic", lambda: 100.0)


def test_the_first_look_comes_after_some_seconds_whatever_the_step() -> None:
    """By default four."""
    pace = LookPace()
    assert (pace.due(103.9, 10_000), pace.due(104.0, 0)) == (False, True)


def test_a_look_takes_a_twentieth_of_the_time_at_most() -> None:
    """A quick one is followed by the next after the usual seconds, a slow one later."""
    pace = LookPace()
    pace.looked(104.0, 104.1, 50)
    assert pace.moment == pytest.approx(108.1)
    pace.looked(108.1, 109.1, 90)
    assert pace.moment == pytest.approx(109.1 + 20.0)


def test_by_steps_it_is_early_and_then_every_fifty() -> None:
    """20, 40, 80, 130, 180, whatever the seconds."""
    pace, looks = LookPace(by_steps=True), []
    for step in range(200):
        if pace.due(100.0, step):
            looks.append(step)
            pace.looked(100.0, 100.0, step)
    assert looks == [20, 40, 80, 130, 180]


def test_by_steps_looks_are_left_out_where_they_become_dear() -> None:
    """Three seconds of looks are free, then a twentieth of the time."""
    pace = LookPace(by_steps=True)
    for step in (20, 40, 80):
        pace.looked(100.0, 101.0, step)
    assert (pace.due_by_steps(119.9, 130), pace.due_by_steps(120.1, 130)) == (False, True)


def test_a_look_can_be_asked_for_at_a_step() -> None:
    """No later than that; the steps before are left as they are."""
    pace = LookPace(by_steps=True)
    pace.looked(100.0, 100.0, 80)
    pace.ask(110)
    pace.ask(500)
    assert (pace.due(100.0, 109), pace.due(100.0, 110)) == (False, True)
