"""What is told when objects of the user's are gone."""

from __future__ import annotations

import gc
import sys
import weakref
from typing import TYPE_CHECKING

from trainadvisor.record.objects.departures import Departures

if TYPE_CHECKING:
    import pytest


class Thing:
    """Something that can be gone."""


def test_all_that_want_to_know_are_told_once() -> None:
    """In the order in which they asked, with the id of what is gone; nothing is told of what stays."""
    told: list[tuple[str, int]] = []
    departures, thing, other = Departures(), Thing(), Thing()
    for name in ("first", "second"):
        departures.await_that_of(thing, lambda key, name=name: told.append((name, key)))
    departures.await_that_of(other, lambda key: told.append(("other", key)))
    key = id(thing)
    assert told == []
    del thing
    assert told == [("first", key), ("second", key)]


def test_an_object_is_asked_for_by_one_reference() -> None:
    """However many ask, and nothing stays of what is gone."""
    departures, things, told = Departures(), [Thing() for _ in range(3)], []
    for thing in things:
        for _ in range(2):
            departures.await_that_of(thing, told.append)
    assert [weakref.getweakrefcount(thing) for thing in things] == [1, 1, 1]
    assert len({id(reference.tells) for reference in departures._awaited.values()}) == 1
    things.clear()
    del thing
    assert (len(told), departures._awaited) == (6, {})


def test_an_object_in_a_circle_is_told_of_when_it_is_collected() -> None:
    """Whatever it refers to."""
    told: list[int] = []
    departures, thing = Departures(), Thing()
    thing.itself = thing  # type: ignore[attr-defined]
    departures.await_that_of(thing, told.append)
    key = id(thing)
    del thing
    gc.collect()
    assert told == [key]


def test_nothing_is_told_at_the_end_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is told then may be gone itself."""
    told: list[int] = []
    monkeypatch.setattr(sys, "is_finalizing", lambda: True)
    departures, thing = Departures(), Thing()
    departures.await_that_of(thing, told.append)
    del thing
    assert told == []
