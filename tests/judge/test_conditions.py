"""The condition language."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainadvisor.errors import RuleError
from trainadvisor.judge.condition_values import nice
from trainadvisor.judge.conditions import Place, parse

PLACE = Place("rules/x/y.toml", "when[1]")
TYPES = {"loss": "number", "steps": "number", "fine": "truth", "kind": "word", "by_layer": "layers"}


def value(text: str, **names: Any) -> Any:
    """Evaluate with names; those not given are unknown."""
    return parse(text, PLACE, functions=True).evaluate(names.get)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3 == 7", True),
        ("-2 < -1", True),
        ("1 < 2 < 3", True),
        ("1 < 2 < 2", False),
        ("not true", False),
        ('"a" in ("a", "b")', True),
        ('"c" not in ("a", "b")', True),
        ("true and false or true", True),
        ("min(3, 2) == 2 and max(3, 2) == 3", True),
        ("ceil(1.2) + abs(-1) + sqrt(4) + log(1)", 5.0),
        ("nice(0.00123456)", 0.0012),
        ("1 / 0", None),
        ("log(-1)", None),
        ("1e200 * 1e200", None),
    ],
)
def test_values(text: str, expected: Any) -> None:
    """Arithmetic, comparisons and functions; what has no finite value is unknown."""
    assert value(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("loss > 1", None),
        ("loss > 1 and false", False),
        ("false and loss > 1", False),
        ("loss > 1 and true", None),
        ("loss > 1 or true", True),
        ("loss > 1 or false", None),
        ("not loss > 1", None),
        ("loss + 1", None),
        ("min(loss, 1)", None),
        ('kind in ("a", "b")', None),
        ("0 < 1 < loss", None),
        ("2 < 1 < loss", False),
    ],
)
def test_unknown_spreads_as_far_as_it_matters(text: str, expected: Any) -> None:
    """False and unknown is false, true or unknown is true, the rest stays unknown."""
    assert value(text) is expected


def test_division_by_a_signal_that_is_zero_is_unknown() -> None:
    """No exception, no infinity."""
    assert value("steps / loss > 1", steps=3, loss=0) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lss > 1", 'column 1: unknown name lss; did you mean "loss"'),
        ("1 < steps and lss > 1", "column 15: unknown name lss"),
        ("kind > 1", "kind is a word where a number is needed"),
        ("loss == kind", "kind is a word where a number is needed"),
        ("loss and fine", "loss is a number where a truth is needed"),
        ("fine + 1 > 0", "fine is a truth where a number is needed"),
        ('loss in ("a",)', "'a' is a word where a number is needed"),
        ("by_layer > 1", 'needs scope = "layer"'),
        ("not loss", "loss is a number"),
    ],
)
def test_types_are_checked_with_place_and_help(text: str, message: str) -> None:
    """An error names file, key and column."""
    with pytest.raises(RuleError, match=r"rules/x/y\.toml: when\[1\], column") as caught:
        parse(text, PLACE).check(TYPES)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "kind"),
    [("loss + 1", "number"), ("loss > 1 and fine", "truth"), ('"a"', "word"), ("fine == true", "truth")],
)
def test_type_of_an_expression(text: str, kind: str) -> None:
    """Numbers, truths and words."""
    assert parse(text, PLACE).check(TYPES) == kind


@pytest.mark.parametrize(
    "text",
    [
        "",
        "loss >",
        "loss.real > 1",
        "loss[0] > 1",
        "__import__('os')",
        "min(loss, 1)",
        "loss if fine else 1",
        "lambda: 1",
        "loss ** 2",
        "loss // 2",
        "loss is 1",
        "[1, 2]",
        "f'{loss}'",
        "1e999 > 0",
        "1j > 0",
        "loss in kind",
        "loss in (steps,)",
        "(x := 1) > 0",
        "...",
        "None",
        "b'x' == b'x'",
        "loss > 1; 2",
        "+loss > 1",
        "~steps > 1",
        "\x00",
    ],
)
def test_everything_else_is_refused(text: str) -> None:
    """The language is what is allowed, not what is forbidden."""
    with pytest.raises(RuleError, match=r"rules/x/y\.toml: when\[1\]"):
        parse(text, PLACE)


@pytest.mark.parametrize(
    "text", ["nice(loss, 1)", "min(loss)", "max(loss, 1, 2)", "open(loss)", "nice(x=1)", "abs(*loss)"]
)
def test_functions_take_what_they_take(text: str) -> None:
    """Computed values know seven functions with fixed numbers of arguments."""
    with pytest.raises(RuleError):
        parse(text, PLACE, functions=True)


@pytest.mark.parametrize("text", ["(" * 300 + "1" + ")" * 300, "-" * 400 + "1", "1 + " * 30 + "1", "x" * 501])
def test_length_and_depth_are_bounded(text: str) -> None:
    """A hostile rule costs nothing."""
    with pytest.raises(RuleError):
        parse(text, PLACE)


def test_names_in_order_without_functions_and_constants() -> None:
    """Evidence lists the names of a line as they stand."""
    assert parse("max(b, a) > 1 and a < true", PLACE, functions=True).names == ["b", "a"]


@pytest.mark.parametrize(("number", "rounded"), [(0.0, 0.0), (123456.0, 120000.0), (-0.0456, -0.046), (9.96e-5, 1e-4)])
def test_nice_keeps_two_digits(number: float, rounded: float) -> None:
    """Proposed settings are numbers that people would write."""
    assert nice(number) == rounded


NAMES = st.sampled_from(["loss", "steps", "fine", "kind", "true", "1", "0.5", '"a"'])
EXPRESSIONS = st.recursive(
    NAMES,
    lambda inner: (
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "<", ">=", "==", "and", "or"]), inner).map(
            lambda t: f"({' '.join(t)})"
        )
        | inner.map(lambda text: f"(not {text})")
    ),
    max_leaves=8,
)
VALUES = st.fixed_dictionaries(
    {},
    optional={
        "loss": st.floats(allow_nan=False, allow_infinity=False),
        "steps": st.integers(0, 10**6),
        "fine": st.booleans(),
        "kind": st.text(max_size=3),
    },
)


@settings(max_examples=200, deadline=None)
@given(EXPRESSIONS, VALUES)
def test_a_checked_expression_never_raises(text: str, names: dict[str, Any]) -> None:
    """What passes the check evaluates to its type or to unknown, whatever is recorded."""
    try:
        expression = parse(text, PLACE)
        kind = expression.check(TYPES)
    except RuleError:
        return
    result = expression.evaluate(names.get)
    wanted = {"number": (int, float), "truth": bool, "word": str}[kind]
    assert result is None or isinstance(result, wanted)


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="loste<>=()+-*/ .0123456789\"'andr[]{}:,_!~\x00", max_size=40))
def test_any_text_parses_or_is_refused(text: str) -> None:
    """Nothing but RuleError comes out of the parser."""
    try:
        parse(text, PLACE, functions=True).check(TYPES)
    except RuleError:
        return


@settings(max_examples=200, deadline=None)
@given(EXPRESSIONS, VALUES, VALUES)
def test_knowing_more_never_turns_an_answer_round(text: str, some: dict[str, Any], more: dict[str, Any]) -> None:
    """Three values are monotone: an answer given without a signal stands when the signal is recorded."""
    try:
        expression = parse(text, PLACE)
        if expression.check(TYPES) != "truth":
            return
    except RuleError:
        return
    before = expression.evaluate(some.get)
    after = expression.evaluate({**more, **some}.get)
    assert before is None or before == after
