"""The line of a fix that the live view shows."""

from __future__ import annotations

import pytest

from trainadvisor.judge.result import Edit, Remedy
from trainadvisor.report.text.introduction import first_change


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("optimizer.zero_grad()\nloss.backward()\noptimizer.step()", "optimizer.zero_grad()"),
        ("# the logits\nimport torch\nreturn self.fc(x)\n", "return self.fc(x)"),
        ("# only a comment", "# only a comment"),
        ("for epoch in range(9):\n    net.train()\n    ...", "net.train()"),
        ("if fresh:", "if fresh:"),
        ("  lr=0.01  ", "lr=0.01"),
        ("", ""),
    ],
)
def test_the_first_line_that_changes_something(code: str, line: str) -> None:
    """The first line that does something, else the first."""
    assert first_change(Remedy(change="lr", arguments={}, applies="try", text="", code=code)) == line


def test_of_an_edit_it_is_the_new_line() -> None:
    """A snippet that looks like a diff is none."""
    edit = Edit(file="train.py", line=3, old="opt = SGD(model, lr=1)", new="opt = SGD(model, lr=0.1)")
    remedy = Remedy(change="lr", arguments={}, applies="paste", text="", code=edit.diff(), edits=[edit])
    assert edit.diff() == "- opt = SGD(model, lr=1)\n+ opt = SGD(model, lr=0.1)"
    assert first_change(remedy) == "opt = SGD(model, lr=0.1)"
    assert first_change(remedy.model_copy(update={"edits": [], "code": "+ 1"})) == "+ 1"
