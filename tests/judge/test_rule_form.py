"""What is told of a rule file whose form is wrong: each place by its keys and by its number from 1."""

from __future__ import annotations

import copy
import math
from typing import Any

import pytest

from trainadvisor.judge.rule_schema import _keys, form_problems
from trainadvisor.toml import LARGEST_NUMBER

TEXTS = {"title": "t", "finding": "f", "cause": "c", "verify": "v", "doc": "d", "search": ["s"]}
RULE: dict[str, Any] = {
    "kind": "cause", "severity": "error", "evidence": "direct", "falsepositives": "none", "en": TEXTS, "zh": TEXTS,
}  # fmt: skip
REMEDY = {"applies": "paste", "en": "e", "zh": "z"}
BRANCH: dict[str, Any] = {"name": "a-1", "en": {}, "zh": {}}


def wrong(**given: Any) -> list[str]:
    """Return what is wrong with a sound rule that is changed so."""
    return form_problems(copy.deepcopy(RULE) | given)


@pytest.mark.parametrize(
    "given",
    [
        {}, {"thresholds": {"most": {"value": 1, "because": "b"}}},
        {"thresholds": {"most": {"value": -0.5, "because": "b"}}},
        {"explains": {"other": 1.0}}, {"share": 1.0}, {"site": "event:nan-loss"}, {"site": "loader"},
        {"remedies": [REMEDY]},
        {"branches": [BRANCH]}, {"cases": [{"is": "found", "signals": {}}]}, {"context": {"off": ["a"]}},
        {"source": {"cases": [{"is": "clear", "code": "a = 1"}]}},
    ],
)  # fmt: skip
def test_a_sound_rule(given: dict[str, Any]) -> None:
    """Nothing is told of it."""
    assert wrong(**given) == []


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"severty": "error"}, ['severty: unknown key; did you mean "severity"?']),
        ({"xyzxyz": 1}, ["xyzxyz: unknown key"]),
        ({"remedies": [REMEDY, {"applies": "paste", "en": "e"}]}, ["remedies.2.zh: is missing"]),
        ({"remedies": [REMEDY | {"chance": "lr"}]}, ['remedies.1.chance: unknown key; did you mean "change"?']),
        ({"branches": [BRANCH, BRANCH, BRANCH | {"en": {"finding": " "}}]},
         ["branches.3.en.finding: string should match pattern '\\S'"]),
        ({"share": 0.0}, ["share: input should be greater than 0"]),
        ({"share": 1.01}, ["share: input should be less than or equal to 1"]),
        ({"preview": "yes"}, ["preview: input should be a valid boolean"]),
    ],
)  # fmt: skip
def test_a_rule_of_another_form(given: dict[str, Any], told: list[str]) -> None:
    """The place, and what is wrong there, in small letters."""
    found = wrong(**given)
    assert found == told


@pytest.mark.parametrize("number", [math.inf, math.nan, LARGEST_NUMBER, -LARGEST_NUMBER, "1", True])
def test_a_threshold_that_is_no_number(number: Any) -> None:
    """Or one that is larger than a rule can hold."""
    assert wrong(thresholds={"most": {"value": number, "because": "b"}})


@pytest.mark.parametrize(
    ("key", "value"),
    [("site", "event:Odd"), ("site", "elsewhere"), ("severity", "fatal"), ("phase", "middle"), ("kind", "fault"),
    ("falsepositives", " "),
     ("explains", {"a": 0.0}), ("explains", {"a": 1.5}), ("branches", [BRANCH | {"name": "A"}]),
     ("branches", [BRANCH | {"name": "a--b"}])],
)  # fmt: skip
def test_a_value_that_no_rule_has(key: str, value: Any) -> None:
    """Each is one problem at its key or more."""
    found = wrong(**{key: value})
    assert found
    assert all(one.startswith(key) for one in found)


@pytest.mark.parametrize(
    ("place", "some"),
    [((), "kind"), (("en",), "title"), (("remedies", 0), "applies"), (("remedies", 0, "edit"), "argument"),
    (("thresholds", "most"), "because"),
     (("cases", 1), "signals"), (("context",), "soften"), (("other",), "kind")],
)  # fmt: skip
def test_the_keys_of_a_place(place: tuple[Any, ...], some: str) -> None:
    """Those of the innermost table."""
    assert some in _keys(place)
