"""The answer of a session by hand: from what was tried, and what is known of the run without changes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from trainadvisor.verify import answer

USABLE = SimpleNamespace(usable=True)


def _session(**parts: Any) -> Any:
    request = SimpleNamespace(fix=parts.pop("fix", None), code=parts.pop("code", None))
    made = {"baseline": USABLE, "diagnosis": "known", "screening": "done", "tried": [], "notes": [], "request": request}
    return SimpleNamespace(**made | parts)


def _tried(verdict: str, *, close: bool = False) -> Any:
    return SimpleNamespace(verdict=verdict, close=close)


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ({"baseline": None}, "not-judged"), ({"diagnosis": None}, "not-judged"),
        ({"baseline": SimpleNamespace(usable=False)}, "not-judged"), ({"screening": None}, "nothing-to-cure"),
        ({"screening": None, "doubt": True}, "not-judged"),
        ({"screening": None, "doubt": True, "fix": "lr"}, "nothing-to-cure"),
        ({"screening": None, "doubt": True, "code": "x"}, "nothing-to-cure"), ({}, "not-judged"),
        ({"tried": [_tried("no-better"), _tried("unfinished", close=True)]}, "not-judged"),
        ({"tried": [_tried("unfinished"), _tried("no-better")]}, "none-helped"),
        ({"tried": [_tried("ignored")]}, "none-helped"), ({"tried": [_tried("unfinished")]}, "not-judged"),
        ({"tried": [_tried("unfinished"), _tried("refused")]}, "not-judged"),
        ({"tried": [_tried("failed")]}, "not-judged"), ({"tried": [_tried("refused"), _tried("worse")]}, "none-helped"),
    ],
)  # fmt: skip
def test_what_nothing_came_of_has_its_answer(parts: dict[str, Any], told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not judged, nothing to cure, or none helped."""
    session = _session(**parts)
    monkeypatch.setattr(answer, "is_in_doubt", lambda _: getattr(session, "doubt", False))
    assert answer._answer(session, []) == told


@pytest.mark.parametrize(
    ("seeds", "wins", "interval", "notes", "told"),
    [
        (3, 2, [0.1, 0.3], [], "verified"), (3, 2, None, [], "verified"), (4, 2, [0.1, 0.3], [], "promising"),
        (3, 3, [0.0, 0.3], [], "promising"), (1, 1, None, [], "promising"), (1, 1, None, ["seeds-ignored"], "verified"),
    ],
)  # fmt: skip
def test_a_remedy_is_verified_by_most_of_several_seeds(
    seeds: int, wins: int, interval: list[float] | None, notes: list[str], told: str
) -> None:
    """Whose interval does not hold zero; where seeds change nothing one is enough."""
    item: Any = SimpleNamespace(seeds=seeds, wins=wins, interval=interval)
    assert answer._answer(_session(notes=notes), [item]) == told
