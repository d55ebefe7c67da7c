"""What a rule says without a run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from trainadvisor.commands.common import rulebook
from trainadvisor.i18n.general_words import words
from trainadvisor.judge.placeholders import names_in
from trainadvisor.report.machine import code_pages
from trainadvisor.report.text import code_explained
from trainadvisor.report.text.unfilled import SHOWN, advice, unfilled, unfilled_code

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.judge.rulebook import Rule

BOOK = rulebook()
RULE = BOOK.rules["lr-too-high"]


@pytest.mark.parametrize(
    ("template", "lang", "told"),
    [
        ("{dead_unit_share:.0%} of the units are dead.", "en", "A large share of the units are dead."),
        ("{subjects} have none", "en", "The layers named have none"),
        ("直接交给 {loss_input_name}：", "zh", "直接交给损失函数："),
        ("The shapes differ: {one} and {other}.", "en", "The shapes differ."),
        ("They differ ({one} now): look.", "en", "They differ: look."),
        ("It rose, as {one} did; look at it.", "en", "It rose; look at it."),
        ("Halve it. So far {one} of them are left.", "en", "Halve it."),
        ("Halve it. Keep the batch; set eps to {one}.", "en", "Halve it. Keep the batch."),
        ("Halve it. Set eps to {one}; keep the batch.", "en", "Halve it."),
        ("at {poor_skill:.0%}", "en", "at 40 %"),
        ("降低 eps（{new_eps:.0e}）后", "zh", "降低 eps 后"),
    ],
)
def test_general_words_stand_for_what_only_a_run_can_tell(template: str, lang: str, told: str) -> None:
    """Thresholds are known without one, and what has no words is left out with its clause."""
    assert unfilled(template, RULE, lang).replace("40%", "40 %") == told


def test_a_sentence_that_needs_what_is_not_known_shows_its_gap() -> None:
    """So that the test below finds it."""
    assert unfilled("In {one} steps nothing moved.", RULE, "en") == f"In {SHOWN} steps nothing moved."


@pytest.mark.parametrize(
    ("template", "lang", "told"),
    [
        ("Lower the rate from {lr_peak} to {new_lr}: it is high.", "en", "Lower the rate: it is high."),
        ("Clip gradients at {clip_norm}; use tanh.", "en", "Clip gradients; use tanh."),
        ("把学习率从 {lr_peak} 降到 {new_lr}。", "zh", "降低学习率。"),
        ("把批大小加倍到 {new_batch}。", "zh", "把批大小加倍。"),
        ("最后构建：它持有 {new_lr} 个张量。", "zh", "最后构建。"),
        ("Try both: the first is quicker.", "en", "Try both: the first is quicker."),
    ],
)
def test_advice_without_a_run_tells_the_direction_of_a_change(template: str, lang: str, told: str) -> None:
    """How far is known from a run only."""
    assert advice(template, RULE, lang) == told


def test_a_snippet_stays_python() -> None:
    """An ellipsis is an expression, a class has the name that most use, and what was before is not known."""
    code = "torch.optim.{optimizer_class}(model.parameters(), lr={new_lr:.2g})   # was {lr_peak:.3g}"
    assert unfilled_code(code, RULE, "en") == "torch.optim.AdamW(model.parameters(), lr=...)"
    about = "nn.ReLU()   # in place of tanh or sigmoid in {subjects}"
    assert unfilled_code(about, RULE, "zh") == "nn.ReLU()   # 代替所列的层中的 tanh 或 sigmoid"


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_no_page_of_a_code_shows_the_name_of_a_figure(lang: str) -> None:
    """No <lr_peak> is left anywhere."""
    pages = {code: code_explained.render(BOOK, rule, lang) for code, rule in BOOK.rules.items()}
    shown = re.compile(r"<[a-z]+(_[a-z0-9]+)+>")
    assert {code: found[0] for code, page in pages.items() if (found := shown.search(page))} == {}


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_no_page_of_a_code_keeps_a_gap(lang: str) -> None:
    """Each text reads as whole sentences without a run."""
    pages = {code: code_explained.render(BOOK, rule, lang, verbose=True) for code, rule in BOOK.rules.items()}
    assert [code for code, page in pages.items() if SHOWN in page] == []


def test_no_documentation_of_a_code_keeps_a_gap() -> None:
    """The pages of the site are made of the same texts."""
    assert [code for code, rule in BOOK.rules.items() if SHOWN in code_pages.page(BOOK, rule, demo=False)] == []


def test_general_words_are_those_of_rules() -> None:
    """Words for a name that no text of the rule has would never be read."""
    for code, own in words().items():
        rules = BOOK.rules.values() if code == "all" else [BOOK.rules[code]]
        told = {name for rule in rules for text in _templates(rule) for name in names_in(text)}
        assert set(own) <= told, code


def _templates(rule: Rule) -> Iterator[str]:
    yield from (rule.text(kind, lang) for kind in ("doc", "verify", "cause") for lang in ("en", "zh"))
    yield from (variant.text("finding", lang) for variant in rule.variants for lang in ("en", "zh"))
    for entry in (*rule.all_remedies, *rule.lookalikes):
        yield from (str(entry.get(field, "")) for field in ("en", "zh", "code"))
