"""The message about a run that is over, word for word."""

from __future__ import annotations

import socket
from types import SimpleNamespace
from typing import Any

import pytest

from trainadvisor.i18n.language import Words
from trainadvisor.monitor.last_word import LastWord, last_word

TITLE = "BROKEN: train.py on gpu1"


def said(**fields: Any) -> str:
    """Return the English text of a message, of which some fields are given."""
    given = {"state": "broken", "summary": "NaN", "script": "train.py", "code": 0, "steps": 7, "host": "gpu1", **fields}
    return LastWord(**given).text(Words("en"))


@pytest.mark.parametrize(
    ("fields", "lines"),
    [
        ({}, []),
        ({"code": 3}, ["the script exited with 3"]),
        ({"report": "r.html"}, ["wrote the report r.html"]),
        ({"log": "a/log.json"}, ["log: a/log.json"]),
        (
            {"code": -9, "report": "r.html", "log": "log.json"},
            ["the script exited with -9", "wrote the report r.html", "log: log.json"],
        ),
    ],
)
def test_a_line_for_each_thing_that_there_is(fields: dict[str, Any], lines: list[str]) -> None:
    """After what came of it, in the order in which they matter."""
    assert said(**fields).splitlines() == [TITLE, "NaN", *lines]


@pytest.mark.parametrize(
    ("state", "code", "failed"),
    [("broken", 0, True), ("healthy", 1, True), ("healthy", 0, False), ("needs-attention", 0, False)],
)
def test_somebody_has_to_look_at_a_broken_training_or_an_error(state: str, code: int, *, failed: bool) -> None:
    """Nothing else has failed."""
    assert LastWord(state, "", "train.py", code, 7).failed is failed


def test_it_is_made_of_the_verdict_without_secrets() -> None:
    """On the machine that it names."""
    verdict: Any = SimpleNamespace(state="healthy", summary="fine; token=hunter22hunter22")
    made = last_word(verdict, "nothing", "train.py", 0, 12, "log.json", "")
    assert (made.state, made.summary, made.script) == ("healthy", "fine; token=***", "train.py")
    assert (made.code, made.steps, made.log, made.report, made.host) == (0, 12, "log.json", "", socket.gethostname())


def test_without_a_verdict_it_says_why_there_is_none() -> None:
    """And calls nothing sound."""
    made = last_word(None, "nothing was recorded", "train.py", 1, 0, "", "r.html")
    assert (made.state, made.summary, made.code, made.report) == ("cannot-tell", "nothing was recorded", 1, "r.html")
