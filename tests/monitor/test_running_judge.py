"""One judge of a growing log, to which everybody subscribes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from trainadvisor.log.growing import GrowingLog
from trainadvisor.log.writer import LogWriter
from trainadvisor.monitor.judging_thread import JudgingThread
from trainadvisor.monitor.look_pace import LookPace
from trainadvisor.monitor.running_judge import LogJudge, RunningJudge

if TYPE_CHECKING:
    from pathlib import Path

HEADER = {"record": "header", "format": 1, "source": "recorder"}


def step(number: int, loss: float = 1.0) -> dict[str, Any]:
    """Return the record of a step."""
    return {"record": "step", "step": number, "loss": loss, "lr": [0.1], "opt": [0], "seconds": 0.01}


@pytest.fixture
def judge(tmp_path: Path) -> RunningJudge:
    """A judge of a log that is still to come."""
    return RunningJudge(GrowingLog(tmp_path / "log.json"), LogJudge(), LookPace())


def test_everybody_who_subscribed_is_told_once(judge: RunningJudge, tmp_path: Path) -> None:
    """Nothing before there is a log, nothing of what was there before, nothing twice."""
    first: list[Any] = []
    second: list[Any] = []
    judge.subscribe(first.append)
    judge.subscribe(second.append)
    judge.catch_up()
    writer = LogWriter(tmp_path / "log.json")
    for record in (HEADER, *map(step, range(30))):
        writer(record)
    writer.flush()
    judge.catch_up()
    assert (first, judge.step, judge.diagnosis is None) == ([], 29, False)
    for record in (step(number, math.nan) for number in range(30, 50)):
        writer(record)
    writer.flush()
    judge.catch_up()
    judge.catch_up()
    assert [(event.kind, event.finding.code, event.finding.onset, event.step) for event in first] == [
        ("opened", "nan-loss", 30, 49)
    ]
    assert second == first
    writer.close()


def test_nothing_new_is_not_judged_again(judge: RunningJudge, tmp_path: Path) -> None:
    """The last diagnosis stays, the very same."""
    writer = LogWriter(tmp_path / "log.json")
    for record in (HEADER, *map(step, range(30))):
        writer(record)
    writer.close()
    judge.catch_up()
    before = judge.diagnosis
    judge.catch_up()
    assert judge.diagnosis is before


def test_another_run_in_the_same_file_is_judged_afresh(judge: RunningJudge, tmp_path: Path) -> None:
    """What was told of the run before is told of this one too."""
    got: list[Any] = []
    judge.subscribe(got.append)
    for steps in (60, 30):
        writer = LogWriter(tmp_path / "log.json")
        for record in (HEADER, *(step(number, 1.0 if number < 10 else math.nan) for number in range(steps))):
            writer(record)
        writer.close()
        judge.catch_up()
    assert [(event.kind, event.finding.code, event.step) for event in got] == [
        ("opened", "nan-loss", 59), ("opened", "nan-loss", 29),
    ]  # fmt: skip


def test_a_look_that_fails_is_told_and_the_next_one_is_not_sooner(judge: RunningJudge, tmp_path: Path) -> None:
    """A log that is none stops neither thread nor training."""
    (tmp_path / "log.json").write_text('[\n{"record": "step"}\n]\n')
    complaints: list[str] = []
    before = judge.pace.moment
    JudgingThread(judge, lambda error: complaints.append(str(error))).end(final=True)
    assert len(complaints) == 1
    assert "is not a trainadvisor log" in complaints[0]
    assert judge.pace.moment >= before
