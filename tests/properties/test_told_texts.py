"""Every text of every rule, filled with whatever signals make the rule hold, reads as a person would write it."""

import random
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from trainadvisor.judge.engine import judge_rule
from trainadvisor.judge.placeholders import fill_known, names_in
from trainadvisor.judge.rule_loading import load
from trainadvisor.judge.rule_verdict import FOUND
from trainadvisor.judge.rulebook import Rule
from trainadvisor.signals import all_signals

BOOK = load([])
CODES = sorted(BOOK.rules)
DRAWS = 12
ODD = re.compile(r"\bn/a\b|\bNone\b|\bnan\b|\binf\b|\{| \(\)|（）|, ,|^[,;:.，；：。]")
"""What no text may hold: an absent value, a word of Python for it, an unfilled placeholder, an empty aside."""
KEYS = ("title", "finding", "cause", "verify")


def texts_of(rule: Rule, lang: str) -> Iterator[str]:
    """Yield what a finding of the rule may say, but for its remedies, which need every value."""
    texts = rule.texts[lang]
    yield from (texts[key] for key in KEYS)
    yield from texts.get("evidence", ())
    yield from (entry[lang] for entry in rule.lookalikes)


def odd(text: str, template: str) -> list[str]:
    """Return what the text holds that it must not, unless its template says it by itself."""
    literal = re.sub(r"\{[^{}]*\}", "", template)
    return [match[0] for match in ODD.finditer(text) if match[0] not in literal or match.start() == 0]


def variations(rule: Rule) -> Iterator[Mapping[str, Any]]:
    """Yield the signals of the rule's own cases, of which any may be absent, and others present."""
    chance = random.Random(rule.code)  # noqa: S311 - the same draws in each run
    for case in rule.cases:
        if case["is"] != "found":
            continue
        given = dict(case["signals"])
        for _ in range(DRAWS):
            kept = {name: value for name, value in given.items() if chance.random() > 0.15}
            yield {name: scaled(value, chance) for name, value in kept.items()}


def scaled(value: Any, chance: random.Random) -> Any:
    """Return a value as it may be in another run."""
    if isinstance(value, float) and chance.random() < 0.3:
        return value * 10 ** chance.uniform(-1, 1)
    return value


@pytest.mark.parametrize("code", CODES)
def test_texts_hold_no_hole_whatever_is_absent(code: str) -> None:
    """Clauses about what is not known are left out; the sentence, the title and the cause always say something."""
    found = 0
    for signals in variations(BOOK.rules[code]):
        verdict = judge_rule(BOOK.rules[code], signals)
        if verdict.state != FOUND:
            continue
        found += 1
        for lang in ("en", "zh"):
            for template in texts_of(verdict.rule, lang):
                text = fill_known(template, verdict.lookup, lang)
                assert not odd(text, template), (code, lang, template, text, dict(signals))
    judged_by_signals = any(case["is"] == "found" and case.get("signals") for case in BOOK.rules[code].cases)
    assert found or not judged_by_signals, f"{code}: no case of its own is found"


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_text_without_any_value_is_empty_or_whole(lang: str) -> None:
    """With nothing known at all, no clause that needs a figure is left."""
    for rule in (variant for each in BOOK.rules.values() for variant in each.variants):
        for template in texts_of(rule, lang):
            text = fill_known(template, {}.get, lang)
            assert not odd(text, template), (rule.code, template, text)
            assert text or list(names_in(template))


@pytest.mark.parametrize(
    ("template", "known", "said"),
    [
        ("With {a} at lr {b}, the first step was {c} (usual 1).", {"c": 2.0}, "The first step was 2 (usual 1)."),
        (
            "loss: {a} at the end; skill {b}; dead units {c}",
            {"a": 1.5, "c": 0.5},
            "loss: 1.5 at the end; dead units 0.5",
        ),
        ("skill {a} (0 = {b})", {"a": 0.5}, "skill 0.5"),
        ("skill {a}", {}, ""),
        ("loss {a}", {"a": 3.0}, "loss 3"),
        ("损失 {a}；技能 {b}（{c}）。", {"a": 1.0}, "损失 1。"),
    ],
)
def test_clauses_about_the_unknown_are_left_out(template: str, known: dict[str, float], said: str) -> None:
    """The rest of the sentence stays as it is written."""
    assert fill_known(template, known.get) == said


def test_a_list_ends_between_names() -> None:
    """A sentence lists whole names."""
    names = [f"encoder.layers.{n}.attention.weight" for n in range(9)]
    text = fill_known("{names}", {"names": names}.get)
    assert text == ", ".join([*names[:4], "..."])


def test_every_signal_has_a_finite_type() -> None:
    """Numbers, truths, words, names, or one number a layer."""
    assert {spec.type for spec in all_signals().values()} <= {"number", "truth", "word", "layers", "names"}


NUMBER = r"-?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?"
USUAL = re.compile(
    rf"(?P<value>{NUMBER})(?P<unit> %)?[^\d().;]*\((?:usual|healthy runs|healthy runs):? (?:stay )?"
    rf"(?:(?P<low>{NUMBER})(?: %)? to (?P<high>{NUMBER})|(?P<side>below|at most|above|over|more than|at least) "
    rf"(?P<bound>{NUMBER}))(?P<of> %)?[^()]*\)"
)
"""A figure, and behind it in parentheses what is usual."""


def contradictions(text: str) -> Iterator[str]:
    """Yield the figures that a text calls a fault although what it calls usual holds them."""
    for match in USUAL.finditer(text):
        value, low, high = (
            float(match[name].replace(",", "")) if match[name] else None for name in ("value", "low", "high")
        )
        bound = float(match["bound"].replace(",", "")) if match["bound"] else None
        if (match["unit"] is None) != (match["of"] is None):
            continue
        if low is not None and low <= value <= high:
            yield match[0]
        if bound is not None and (value < bound if match["side"] in {"below", "at most"} else value > bound):
            yield match[0]


@pytest.mark.parametrize("code", CODES)
def test_no_finding_calls_a_fault_what_it_calls_usual(code: str) -> None:
    """The sentence of a finding quotes the figure that made it one."""
    for signals in variations(BOOK.rules[code]):
        verdict = judge_rule(BOOK.rules[code], signals)
        if verdict.state == FOUND:
            text = fill_known(verdict.rule.text("finding"), verdict.lookup)
            assert list(contradictions(text)) == [], (code, dict(signals))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("The first step changed the weights by 0.023 times their size (usual 0.001 to 0.05).", 1),
        ("The first step changed the weights by 0.23 times their size (usual 0.001 to 0.05).", 0),
        ("It grew 12 times (healthy runs: at most 80), and the run went wrong.", 1),
        ("It grew 1,200 times (healthy runs: at most 80), and the run went wrong.", 0),
        ("57 % of the units are dead (usual below 70 %).", 1),
        ("57 % of the units are dead (usual below 12 %).", 0),
    ],
)
def test_a_figure_within_its_usual_range_is_noticed(text: str, told: int) -> None:
    """And one outside of it is not."""
    assert len(list(contradictions(text))) == told
