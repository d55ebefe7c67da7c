"""The thread that judges beside a training: it looks once steps come and the pace allows it."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace
from typing import Any

from trainadvisor.monitor.judging_thread import JudgingThread


class Judge:
    """Notes how often it looks; fails where it is to."""

    def __init__(self, error: Exception | None = None) -> None:
        self.pace = SimpleNamespace(moment=0.0)
        self.looked = threading.Event()
        self.finals: list[bool] = []
        self.error = error

    def catch_up(self, *, final: bool) -> None:
        self.finals.append(final)
        self.pace.moment = time.monotonic() + 1000
        self.looked.set()
        if self.error:
            raise self.error


def test_a_step_is_looked_at_beside_the_training() -> None:
    """Nothing before it is; the end looks once more where that is wanted."""
    judge: Any = Judge()
    thread = JudgingThread(judge)
    thread.take({"record": "header"})
    assert not judge.looked.wait(0.05)
    thread.take({"record": "step"})
    assert judge.looked.wait(10)
    thread.end(final=True)
    assert judge.finals == [False, True]
    thread.end()
    assert judge.finals == [False, True]


def test_a_look_that_fails_is_complained_of() -> None:
    """Beside the training and at the end."""
    told: list[Exception] = []
    complained = threading.Event()
    judge: Any = Judge(ValueError("odd"))

    def complain(error: Exception) -> None:
        told.append(error)
        complained.set()

    thread = JudgingThread(judge, complain)
    thread.take({"record": "step"})
    assert complained.wait(10)
    thread.end(final=True)
    assert told == [judge.error, judge.error]
