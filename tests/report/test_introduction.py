"""The line of a fix that the live view shows."""

from __future__ import annotations

import pytest

from trainadvisor.report.text.introduction import first_change


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("- old = SGD(model, lr=1)\n+ new = SGD(model, lr=0.1)", "new = SGD(model, lr=0.1)"),
        ("optimizer.zero_grad()\nloss.backward()\noptimizer.step()", "optimizer.zero_grad()"),
        ("# the logits\nimport torch\nreturn self.fc(x)\n", "return self.fc(x)"),
        ("# only a comment", "# only a comment"),
        ("  lr=0.01  ", "lr=0.01"),
        ("", ""),
    ],
)
def test_the_first_line_that_changes_something(code: str, line: str) -> None:
    """What a diff adds, else the first line that does something."""
    assert first_change(code) == line
