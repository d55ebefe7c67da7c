"""A change that is being applied: what it tells the log, and when, by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from trainadvisor.changes.applying.change_application import ChangeApplication
from trainadvisor.changes.declaration import Order


def _application() -> tuple[ChangeApplication, list[Any]]:
    told: list[Any] = []
    session: Any = SimpleNamespace(report=lambda word, detail: told.append((word, detail)))
    return ChangeApplication(session, "lr", {"factor": 2.0}), told


def test_what_was_done_is_told_once() -> None:
    """By its first words; a refusal behind it stays, and is not told again."""
    made, told = _application()
    made.done("halved")
    made.done("halved again")
    assert (len(told), made.what, made.refused) == (1, "halved", None)
    made.refuse("no room")
    made.refuse("no time")
    assert (len(told), made.refused) == (1, "no room")


def test_a_refusal_is_told_once() -> None:
    """Its first reason; where nothing was ever done the reason is that."""
    made, told = _application()
    made.refuse("no room")
    made.refuse("no time")
    made.done_or_refused()
    assert (len(told), made.refused) == (1, "no room")
    made, told = _application()
    made.done_or_refused()
    made.done_or_refused()
    assert (len(told), made.refused) == (1, made.never)


def test_a_change_runs_outside_of_others_unless_it_depends_on_them() -> None:
    """And is called at its moments until it is refused."""
    made, _ = _application()

    def around() -> None:
        raise AssertionError

    made.around("loss", around)
    made.around("loss", around, within=True)
    assert made.arounds["loss"] == [(True, around), (False, around)]
    called: list[int] = []

    def failing(*_: object) -> None:
        called.append(1)
        raise ValueError("odd")

    made.when("step", failing)
    made.when("step", failing)
    made.tell("step")
    made.tell("step")
    assert (called, made.refused) == ([1], "it failed here (ValueError: odd)")


@pytest.mark.parametrize(("before", "result"), [(True, ["plain", "call"]), (False, ["call"])])
def test_a_script_gets_its_call_where_a_change_fails(result: list[str], *, before: bool) -> None:
    """Once; what the call itself raises goes on."""
    made, _ = _application()
    calls: list[str] = []

    def around(call: Any, args: Any, _: Any) -> Any:
        if before:
            call(*args)
            calls.insert(0, "plain")
        raise ValueError("odd")

    stands = made.standing(around, lambda given: calls.append("call") or given)
    assert stands(5) == 5
    assert calls == result
    assert stands(6) == 6
    assert calls == [*result, "call"]

    def broken(_: int) -> None:
        raise KeyError

    fresh, _ = _application()
    with pytest.raises(KeyError):
        fresh.standing(lambda call, args, _: call(*args), broken)(1)


def test_the_usual_place_of_a_change_is_the_first() -> None:
    """Those that are rarely applicable come behind."""
    assert sorted(Order) == [Order.USUAL, Order.BEHIND_FOR_CONSEQUENCES, Order.BEHIND]
