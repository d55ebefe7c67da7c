"""A rule's edit of one argument, on the line where the finding's object was made."""

from types import SimpleNamespace
from typing import Any

import pytest

from trainadvisor.judge import remedies

ENTRY = {"argument": "weight_decay", "to": "0.1"}


def _edited(code: str, **made: Any) -> str | None:
    place = {"file": "train.py", "line": 3, "code": code}
    verdict: Any = SimpleNamespace(lookup=lambda _: None)
    edit = remedies._edit(verdict, ENTRY, {"site": place, **made})
    return edit.new if edit else None


def test_an_optimizer_takes_its_argument() -> None:
    """It has groups."""
    assert _edited("opt = SGD(p, lr=0.1)", groups=[], **{"class": "SGD"}) == "opt = SGD(p, lr=0.1, weight_decay=0.1)"


@pytest.mark.parametrize("code", ["net = nn.Sequential(nn.Linear(4, 2))", "loss = criterion(out, y)"])
def test_models_and_losses_do_not(code: str) -> None:
    """The line of a finding about a model is no place for what an optimizer takes."""
    assert _edited(code, **{"class": "Sequential"}) is None


@pytest.mark.parametrize(
    ("text", "told"),
    [("lr_peak / 10", True), ("lr_peak", True), ("10", False), ("he", False), ("lr_peak / he", False), ("a b", False)],
)
def test_an_expression_is_told_from_a_word(text: str, told: bool) -> None:  # noqa: FBT001 - what is expected
    """By its names, of which each is known and there is one at least."""
    assert remedies.is_expression(text, {"lr_peak"}) is told
