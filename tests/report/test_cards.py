"""The cards of a web page: which stand open, and how much of a finding they show."""

from __future__ import annotations

from typing import Any

import pytest

from trainadvisor.judge.result import Diagnosis
from trainadvisor.report.html.finding_cards import Card, Cards, chart_of, marked
from trainadvisor.report.html.languages import Languages


def cards(*findings: dict[str, Any]) -> list[Card]:
    """Return the cards of findings, which are warnings of one family unless told."""
    base = {"family": "numerics", "kind": "cause", "severity": "warning", "confidence": "likely", "title": "t"}
    found = [{**base, "sentence": "s", "code": f"c{n}", **more} for n, more in enumerate(findings)]
    diagnosis = Diagnosis.model_validate({"state": "broken", "summary": "s", "findings": found})
    made = Cards({"en": diagnosis}, Languages(["en"]), {}, [], {"first": 0, "last": 9})
    return made.of(diagnosis.findings)


def test_the_first_six_stand_open() -> None:
    """Those after them are folded, and the order stays."""
    made = cards(*[{}] * 8)
    assert [card.is_open for card in made] == [True] * 6 + [False] * 2
    assert [card.code for card in made] == [f"c{n}" for n in range(8)]


def test_notes_and_what_was_also_seen_are_folded() -> None:
    """But the first of all, unless it is a note."""
    made = cards({"also_seen": True}, {"also_seen": True}, {"severity": "note"}, {})
    assert [card.is_open for card in made] == [True, False, False, True]
    assert [card.is_open for card in cards({"severity": "note"}, {})] == [False, True]


@pytest.mark.parametrize(("count", "shown"), [(12, ""), (13, "1"), (40, "28")])
def test_twelve_subjects_are_named_and_the_others_counted(count: int, shown: str) -> None:
    """Each by eighty letters at most."""
    (card,) = cards({"subjects": [f"{n:02}" + "x" * 98 for n in range(count)]})
    assert card.subjects is not None
    text = card.subjects.__html__()
    assert [n for n in range(count) if f"{n:02}" + "x" * 78 in text] == list(range(12))
    assert "x" * 79 not in text
    assert (f"{shown} more" in text) == bool(shown)


def test_a_finding_s_consequences_are_folded_cards_within_it() -> None:
    """To any depth."""
    inner = {"family": "numerics", "kind": "symptom", "severity": "error", "confidence": "certain", "title": "t"}
    deepest = {**inner, "sentence": "s", "code": "deepest"}
    (card,) = cards({"explains": [{**inner, "sentence": "s", "code": "below", "explains": [deepest]}]})
    (below,) = card.followers
    assert (card.is_open, below.code, below.is_open) == (True, "below", False)
    assert [follower.code for follower in below.followers] == ["deepest"]


def test_what_is_not_known_is_left_out() -> None:
    """A finding of a whole run has no step, no place and no subjects."""
    (card,) = cards({})
    assert (card.since, card.onset_step, card.subjects, card.where, card.rival) == (None,) * 5
    (card,) = cards({"onset": 0, "where": "train.py:3"})
    assert card.since is not None
    assert card.onset_step is not None
    assert card.where == "train.py:3"


@pytest.mark.parametrize(
    ("values", "family", "chart"),
    [
        ({"grad_norm": 1.0}, "numerics", "grad"), ({"val_loss_final": 1.0}, "numerics", "loss"),
        ({"wait_share": 0.5}, "numerics", "time"), ({"memory_growth": 5.0}, "numerics", "memory"),
        ({"alpha": 1.0}, "gradients", "grad"), ({"alpha": 1.0}, "throughput", "time"), ({}, "numerics", "loss"),
    ],
)  # fmt: skip
def test_the_chart_is_that_of_the_evidence_else_of_the_family(
    values: dict[str, float], family: str, chart: str
) -> None:
    """The loss where neither has one."""
    base = {"kind": "cause", "severity": "warning", "confidence": "likely", "title": "t", "sentence": "s", "code": "c"}
    evidence = [{"text": "e", "condition": "c", "values": values}]
    made = Diagnosis.model_validate(
        {"state": "broken", "summary": "s", "findings": [{**base, "family": family, "evidence": evidence}]}
    )
    assert chart_of(made.findings[0]) == chart


def test_only_the_lines_of_a_diff_are_told_apart() -> None:
    """Code that begins with a sign is code."""
    assert [line.element for line in marked("- a\n+ b\n  c", is_diff=True)] == ["del", "ins", "span"]
    assert [line.element for line in marked("- a\n+ b\n  c", is_diff=False)] == ["span"] * 3


def lines(*remedies: list[dict[str, Any]], below: list[dict[str, Any]] | None = None) -> list[list[str]]:
    """Return the lines of code of a finding whose remedies are told in one language or two."""
    base = {"family": "numerics", "kind": "cause", "severity": "warning", "confidence": "likely", "title": "t",
            "sentence": "s", "code": "c"}  # fmt: skip
    given = {"change": "lr", "arguments": {}, "applies": "adapt", "text": "t"}
    diagnoses = {}
    for lang, each in zip(("en", "zh"), remedies, strict=False):
        found = {**base, "remedies": [{**given, **remedy} for remedy in each]}
        found["explains"] = [] if below is None else [{**base, "remedies": [{**given, **one} for one in below]}]
        diagnoses[lang] = Diagnosis.model_validate({"state": "broken", "summary": "s", "findings": [found]})
    made = Cards(diagnoses, Languages(list(diagnoses)), {}, [], {"first": 0, "last": 9})
    (card,) = made.of(diagnoses["en"].findings)
    return [[str(getattr(line.text, "__html__", lambda: "")()) for line in fix.lines] for fix in card.remedies]


def test_code_is_told_in_each_language_where_both_have_the_same_lines() -> None:
    """Otherwise, and in an edit, as the first has it; a remedy without code has no lines."""
    assert lines([{"code": "a\nb # c"}], [{"code": "a\nb # d"}]) == [
        ["a", '<span class="en" lang="en">b # c</span><span class="zh" lang="zh-CN">b # d</span>']
    ]
    assert [len(found) for found in lines([{"code": "a\nb"}, {}], [{"code": "a"}, {}])] == [2, 0]


def test_code_of_a_finding_whose_code_is_told_of_another_with_fewer_remedies() -> None:
    """One that it explains, of the same rule: all of its own lines are shown."""
    found = lines([{"code": "a"}, {"code": "b\nc"}], below=[{"code": "x"}])
    assert [len(each) for each in found] == [1, 2]
