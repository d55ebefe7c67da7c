"""Placeholders in rule texts."""

from collections.abc import Mapping
from string import Formatter

import pytest

from trainadvisor.judge.placeholders import fill, placeholders, shown
from trainadvisor.judge.rule_loading import load
from trainadvisor.judge.rulebook import Rule
from trainadvisor.signals import all_signals


def test_values_are_filled_in() -> None:
    """Formats of numbers hold, braces can be written, words are cleaned."""
    values = {"x": 0.00123, "n": 3.0, "w": "a\x1b[31m"}
    text, complete = fill("{x:.1e} {n:d} {w} {{}}", values.get)
    assert text == "0.0012 3 a\ufffd[31m {}"
    assert complete


@pytest.mark.parametrize(("lang", "word"), [("en", "n/a"), ("zh", "未知")])
def test_what_is_absent_is_said_so(lang: str, word: str) -> None:
    """Never 0 for a thing not measured."""
    assert fill("{x:.1f}", {}.get, lang) == (word, False)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.123456, "0.123"), (3.0, "3"), (True, "true"), (1e9, "1e9"), ("word", "word"), (["a", "b"], "a, b")],
)
def test_values_without_a_format(value: object, text: str) -> None:
    """Three significant digits, whole numbers without a point."""
    assert shown(value) == text


def test_a_format_that_does_not_fit_shows_the_value() -> None:
    """A word under a number's format is still shown."""
    assert shown("word", ".1e") == "word"


@pytest.mark.parametrize("template", ["{}", "{0}", "{x.y}", "{x[0]}", "{x!r}", "{x:{y}}", "{x", "}"])
def test_anything_but_plain_names_is_refused(template: str) -> None:
    """Texts of rules cannot reach into objects."""
    with pytest.raises(ValueError, match=r"."):
        list(placeholders(template))


@pytest.mark.parametrize(
    ("value", "spec", "text"),
    [
        (-0.004, ".0%", "0 %"),
        (-0.0, ".2f", "0.00"),
        (-0.0004, ".1%", "0.0 %"),
        (-0.006, ".0%", "-1 %"),
        (-0.4, ".1f", "-0.4"),
    ],
)
def test_a_number_that_rounds_to_nothing_has_no_sign(value: float, spec: str, text: str) -> None:
    """Others keep theirs."""
    assert shown(value, spec) == text


@pytest.mark.parametrize(
    ("saved", "english", "chinese"),
    [
        (1.45, "far below", "低得多"),
        (0.34, "34 % below", "低 34%"),
        (0.004, "level with", "基本持平"),
        (-0.0049, "level with", "基本持平"),
        (-0.02, "2 % above", "高 2%"),
        (-1.0, "at 2 times", "达到 2 倍"),
        (-84.7, "at 86 times", "达到 86 倍"),
    ],
)
def test_a_loss_lies_below_or_above_that_of_a_constant_answer(saved: float, english: str, chinese: str) -> None:
    """In words that hold on either side, never as a cut of less than nothing."""
    assert fill("{x:below} it", {"x": saved}.get) == (f"{english} it", True)
    assert fill("{x:below}", {"x": saved}.get, "zh") == (chinese, True)


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.25, "fell by 1.2 errors"), (0.0, "fell by 0.0 errors"), (-1.25, "rose by 1.2 errors"), (None, "n/a errors")],
)
def test_a_figure_is_told_by_its_sign(value: float | None, text: str) -> None:
    """Nothing falls by less than nothing."""
    assert fill("{x:.1f|fell by #|rose by #} errors", {"x": value}.get)[0] == text


def test_a_truth_is_told_in_words() -> None:
    """Never as true or false."""
    assert fill("{x:|with|without} norm", {"x": True}.get) == ("with norm", True)
    assert fill("{x:|with|without} norm", {"x": False}.get) == ("without norm", True)


@pytest.mark.parametrize("rule", load().rules.values(), ids=lambda rule: rule.code)
def test_no_text_shows_a_truth_value(rule: Rule) -> None:
    """Each has words for both."""
    texts = [str(text) for table in _tables(rule) for text in table.values()]
    names = [(name, spec) for text in texts for _, name, spec, _ in Formatter().parse(text) if name]
    assert [name for name, spec in names if name in TRUTHS and "|" not in (spec or "")] == []


TRUTHS = {name for name, spec in all_signals().items() if spec.type == "truth"}


def _tables(rule: Rule) -> list[Mapping[str, object]]:
    parts = [rule.texts, *(branch.texts for branch in rule.branches)]
    return [{**table, "evidence": "\n".join(table.get("evidence", []))} for part in parts for table in part.values()]


@pytest.mark.parametrize("rule", load().rules.values(), ids=lambda rule: rule.code)
def test_code_that_is_shown_groups_no_digits(rule: Rule) -> None:
    """1,056 in a call is two arguments; in a comment it is a number."""
    entries = [entry for part in (rule.remedies, *(branch.remedies for branch in rule.branches)) for entry in part]
    lines = [line.partition("#")[0] for entry in entries for line in entry.get("code", "").split("\n")]
    assert [line for line in lines if ":," in line and "{" in line] == []
