"""The laws of three truth values, which rules rely on; any text is an expression or refused."""

from __future__ import annotations

from typing import Any

import fuzztargets
from hypothesis import given, settings
from hypothesis import strategies as st

from trainadvisor.judge.conditions import Place, parse

MANY = settings(max_examples=150, deadline=None)
PLACE = Place("rule.toml", "when[1]")
TRUTHS = st.sampled_from(["a", "b", "c", "true", "false", "x < y", "x == y", "x >= 1", 'w in ("u", "v")', "x / y > 2"])
LOGIC = st.recursive(
    TRUTHS,
    lambda inner: (
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda parts: f"({' '.join(parts)})")
        | inner.map(lambda text: f"(not {text})")
    ),
    max_leaves=6,
)
NAMES = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys("abc", st.booleans()),
        **dict.fromkeys("xy", st.floats(allow_nan=False, allow_infinity=False) | st.integers(-3, 3)),
        "w": st.sampled_from("uvz"),
    },
)


def value(text: str, names: dict[str, Any]) -> Any:
    """Evaluate; names that are not given are unknown."""
    return parse(text, PLACE).evaluate(names.get)


@MANY
@given(LOGIC, LOGIC, NAMES)
def test_de_morgan(one: str, other: str, names: dict[str, Any]) -> None:
    """Not (a and b) is (not a) or (not b), and the other way round."""
    assert value(f"not ({one} and {other})", names) is value(f"not {one} or not {other}", names)
    assert value(f"not ({one} or {other})", names) is value(f"not {one} and not {other}", names)


@MANY
@given(LOGIC, LOGIC, LOGIC, NAMES)
def test_order_and_brackets_do_not_matter(one: str, other: str, third: str, names: dict[str, Any]) -> None:
    """And and or commute, associate and absorb; twice not is nothing."""
    for word in ("and", "or"):
        assert value(f"{one} {word} {other}", names) is value(f"{other} {word} {one}", names)
        left, right = f"({one} {word} {other}) {word} {third}", f"{one} {word} ({other} {word} {third})"
        assert value(left, names) is value(right, names)
    assert value(f"{one} and ({one} or {other})", names) is value(one, names)
    assert value(f"not (not {one})", names) is value(one, names)


@MANY
@given(LOGIC, LOGIC, NAMES)
def test_kleenes_tables(one: str, other: str, names: dict[str, Any]) -> None:
    """With false below unknown below true, and is the smaller one and or is the larger one."""
    rank = {False: 0, None: 1, True: 2}
    a, b = rank[value(one, names)], rank[value(other, names)]
    assert rank[value(f"{one} and {other}", names)] == min(a, b)
    assert rank[value(f"{one} or {other}", names)] == max(a, b)


@MANY
@given(NAMES)
def test_a_comparison_and_its_opposite(names: dict[str, Any]) -> None:
    """Exactly one of them holds, or both are unknown."""
    for one, other in (
        ("x < y", "x >= y"),
        ("x > y", "x <= y"),
        ("x == y", "x != y"),
        ("w in ('u',)", "w not in ('u',)"),
    ):
        found = value(one, names)
        assert value(other, names) is (None if found is None else not found)


@MANY
@given(st.text(max_size=60) | st.lists(st.sampled_from(fuzztargets.WORDS), max_size=14).map(" ".join))
def test_any_text_is_an_expression_or_refused(text: str) -> None:
    """Checked and evaluated it gives its type or unknown."""
    fuzztargets.condition(text.encode("utf-8", "replace"))
