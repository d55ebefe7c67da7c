"""Figures in texts: nouns that agree with their number, percentages with a space."""

from __future__ import annotations

import re
import tomllib

import pytest

from tests.test_words import FILES
from trainadvisor.figures import COUNTED, PLURALS, filled, singular
from trainadvisor.i18n.language import Words
from trainadvisor.judge.placeholders import fill


@pytest.mark.parametrize(
    ("template", "count", "text"),
    [
        ("{n} runs, judged together", 1, "1 run, judged together"),
        ("{n} runs, judged together", 2, "2 runs, judged together"),
        ("{n} runs, judged together", 0, "0 runs, judged together"),
        ("{n} runs, judged together", 21, "21 runs, judged together"),
        ("{n:,} standard errors", 1, "1 standard error"),
        ("all {n} weight matrices are off", 1, "all 1 weight matrix is off"),
        ("{n} batches have one class", 1, "1 batch has one class"),
        ("{n} baseline entries no longer needed", 1, "1 baseline entry no longer needed"),
        ("{n:.2g} times its best", 1.0, "1 times its best"),
        ("{n} ms a step, {n} loss", 1, "1 ms a step, 1 loss"),
    ],
)
def test_what_is_counted_has_the_number_of_its_count(template: str, count: float, text: str) -> None:
    """In texts of the interface and of rules alike; ratios and units stay as they are."""
    assert filled(template, {"n": count}, "en") == text
    assert fill(template, {"n": count}.get) == (text, True)


def test_a_rounded_one_is_one() -> None:
    """What is read counts, not what was measured."""
    assert fill("{n:.0f} labels are wrong", {"n": 1.2}.get)[0] == "1 label is wrong"
    assert fill("{n:.1f} labels are wrong", {"n": 1.2}.get)[0] == "1.2 labels are wrong"


def test_percentages_have_a_space_in_english_and_none_in_chinese() -> None:
    """As each writes them."""
    assert filled("{share:.0%} of it", {"share": 0.345}, "en") == "34 % of it"
    assert filled("占 {share:.1%}", {"share": 0.345}, "zh") == "占 34.5%"
    assert fill("{share:.0%} of it", {"share": 0.345}.get)[0] == "34 % of it"


@pytest.mark.parametrize(
    ("value", "spec", "told"),
    [
        (920.4, ".2g", "920"), (5019.3, ".3g", "5020"), (-12345.0, ".2g", "-12000"), (0.017, ".1e", "0.017"),
        (0.0, ".1e", "0"), (2.31e7, ".3g", "2.31e7"), (2.9e-5, ".1e", "2.9e-5"), (0.5, ".2g", "0.5"), (7.0, ".0f", "7"),
    ],
)  # fmt: skip
def test_a_power_of_ten_stands_only_where_a_figure_is_very_large_or_small(value: float, spec: str, told: str) -> None:
    """In texts of rules and of the interface: 920, not 9.2e+02."""
    assert fill(f"{{x:{spec}}} times", {"x": value}.get)[0] == f"{told} times"
    assert filled(f"{{x:{spec}}} times", {"x": value}, "en") == f"{told} times"
    assert fill("{x} times", {"x": 5019.3}.get)[0] == "5020 times"


def test_a_multiple_of_a_loss_is_told_as_people_tell_it() -> None:
    """In Chinese it is 是 ... 的 45 倍, a share stays as it was."""
    text = "最终损失相比始终预测均值{skill:below}，失败"
    assert fill(text, {"skill": -44.0}.get, "zh")[0] == "最终损失是始终预测均值的 45 倍，失败"
    assert fill(text, {"skill": 0.25}.get, "zh")[0] == "最终损失相比始终预测均值低 25%，失败"


def test_a_text_of_the_interface_agrees() -> None:
    """One log of several is one run."""
    words = Words("en")
    assert words("rules.count", count=1) == "1 rule"
    assert words("rules.count", count=2) == "2 rules"
    assert Words("zh")("rules.count", count=1) == "1 条规则"


def test_every_counted_noun_is_known() -> None:
    """A plural behind a whole number that no list names would stay a plural behind 1."""
    behind = re.compile(r"\{\w+:[,d]+\} ([a-z]+s)\b")
    texts = [text for path in FILES for text in _english(tomllib.loads(path.read_text(encoding="utf-8")))]
    found = {noun for text in texts for noun in behind.findall(text)}
    assert sorted(found - set(PLURALS.split("|")) - VERBS_AND_RATIOS) == []
    assert sum(len(COUNTED.findall(text)) for text in texts) > 100


VERBS_AND_RATIOS = {"times", "as", "is", "takes"}


def _english(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for part in parts for text in _english(part)]


@pytest.mark.parametrize(("many", "one"), [("matrices", "matrix"), ("classes", "class"), ("batches", "batch"),
                                           ("values", "value"), ("entries", "entry"), ("losses", "loss")])  # fmt: skip
def test_singulars(many: str, one: str) -> None:
    """As they are written."""
    assert singular(many) == one
