"""What a rule says without a run."""

from __future__ import annotations

import re

import pytest

from trainadvisor.commands.common import rulebook
from trainadvisor.report.text import code_explained
from trainadvisor.report.text.unfilled import advice, unfilled, unfilled_code

BOOK = rulebook()
RULE = BOOK.rules["lr-too-high"]


@pytest.mark.parametrize(
    ("template", "lang", "told"),
    [
        ("from {lr_peak:.3g} to {new_lr:.2g}", "en", "from … to …"),
        ("{dead_unit_share:.0%} of the units", "en", "… % of the units"),
        ("{subjects} have none", "en", "the layers named have none"),
        ("直接交给 {loss_input_name}：", "zh", "直接交给损失函数："),
        ("the loss {loss_drop:.0%|fell by #|rose by #}", "en", "the loss fell by … / rose by …"),
        ("ended {skill:below} that", "en", "ended … below that"),
        ("at {poor_skill:.0%}", "en", "at 40 %"),
    ],
)
def test_a_gap_stands_for_what_only_a_run_can_tell(template: str, lang: str, told: str) -> None:
    """Thresholds are known without one."""
    assert unfilled(template, RULE, lang).replace("40%", "40 %") == told


@pytest.mark.parametrize(
    ("template", "lang", "told"),
    [
        ("Build it last: it holds {new_lr} tensors.", "en", "Build it last."),
        ("最后构建：它持有 {new_lr} 个张量。", "zh", "最后构建。"),
        ("Try both: the first is quicker.", "en", "Try both: the first is quicker."),
        ("Raise it to {new_lr}: it is low.", "en", "Raise it to …: it is low."),
    ],
)
def test_advice_without_a_run_leaves_out_the_clause_that_a_run_fills(template: str, lang: str, told: str) -> None:
    """Where the advice itself has a gap, it is told with it."""
    assert advice(template, RULE, lang) == told


def test_a_snippet_stays_python() -> None:
    """An ellipsis is an expression, and a class has the name that most use."""
    code = "torch.optim.{optimizer_class}(model.parameters(), lr={new_lr:.2g})   # was {lr_peak:.3g}"
    assert unfilled_code(code, RULE, "en") == "torch.optim.AdamW(model.parameters(), lr=...)   # was ..."
    assert unfilled_code(code, RULE, "zh").endswith("# 原为 ...")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_no_page_of_a_code_shows_the_name_of_a_figure(lang: str) -> None:
    """No <lr_peak> is left anywhere."""
    pages = {code: code_explained.render(BOOK, rule, lang) for code, rule in BOOK.rules.items()}
    shown = re.compile(r"<[a-z]+(_[a-z0-9]+)+>")
    assert {code: found[0] for code, page in pages.items() if (found := shown.search(page))} == {}
