"""Patterns and rules belong together, comments are obeyed, and nothing is found where there is nothing."""

from trainadvisor.judge.rule_loading import load
from trainadvisor.lint.pattern_catalogue import matches, patterns
from trainadvisor.source.reading import parse

FAULTY = """import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    def forward(self, x):
        return F.dropout(x, 0.5){comment}
"""


def codes(text: str) -> list[str]:
    """Return the codes that are found in a text."""
    return [code for code, _ in matches(parse(text))]


def test_each_pattern_has_a_rule_with_pieces_of_scripts() -> None:
    """A fault without texts could not be told, and a rule without a pattern never finds anything."""
    assert {rule.code for rule in load().rules.values() if rule.source is not None} == set(patterns())


def test_a_comment_leaves_a_finding_out() -> None:
    """Without codes all of the line, with codes these."""
    assert codes(FAULTY.format(comment="")) == ["train-mode-in-eval"]
    assert codes(FAULTY.format(comment="  # trainadvisor: ignore")) == []
    assert codes(FAULTY.format(comment="  # trainadvisor: ignore[clip-after-step, train-mode-in-eval]")) == []
    assert codes(FAULTY.format(comment="  # trainadvisor: ignore[clip-after-step]")) == ["train-mode-in-eval"]


def test_scripts_without_torch_are_left_alone() -> None:
    """Nothing is asked of a file that mentions neither it nor a framework that trains by it."""
    made = "from sklearn.model_selection import KFold\nmodel = {}.Sequential()\n"
    folds = made + "for a, b in KFold(5).split(x):\n    model.fit(x[a])\n"
    assert codes("x = 1\n") == []
    assert codes(folds.format("own")) == []
    assert codes("import keras\n" + folds.format("keras")) == ["folds-share-model"]
