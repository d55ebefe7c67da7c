"""Figures that a script prints are kept at the step after which they were printed, wherever it prints them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import forkedpython
import pytest

from trainadvisor.log.printed_figures import printed
from trainadvisor.log.reader import read_log

if TYPE_CHECKING:
    from pathlib import Path

    from trainadvisor.log.reader import RunLog

SCRIPT = """
import os, sys, torch
from torch import nn
model = nn.Linear(8, 3)
print("val accuracy 0.01")
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(1, STEPS + 1):
    x = torch.randn(8, 8)
    outputs = model(x)
    if step % 60 == 0: print(f"val accuracy 0.{step}1")
    loss = nn.functional.cross_entropy(outputs, x[:, :3].argmax(1))
    optimizer.zero_grad()
    loss.backward()
    if step % 60 == 0: sys.stdout.write(f"val accuracy 0.{step}2\\n")
    optimizer.step()
    if step % 60 == 0:
        print(f"val accuracy 0.{step}3")
        with torch.no_grad(): model.eval()(x)
        print(f"val accuracy 0.{step}4", file=sys.stderr)
        model.train()
print("val accuracy 0.02")
END
"""


def _log(folder: Path, end: str, optimizer: str = "optimizer.step()") -> RunLog:
    text = SCRIPT.replace("STEPS", "180").replace("END", end).replace("optimizer.step()", optimizer)
    (folder / "train.py").write_text(text, encoding="utf-8")
    forkedpython.run(["-m", "trainadvisor", "run", "--log", "log.json", "train.py"], folder)
    return read_log(folder / "log.json")


def _kept(log: RunLog) -> list[tuple[int, float]]:
    return [(step, figures["val accuracy"]) for step, figures in printed(log.events, "held_out")]


EXPECTED = [
    (0, 0.01),
    *(
        (step - 1 + (place > 2), float(f"0.{step}{place}"))
        for step in (60, 120, 180)
        for place in (1, 2, 3, 4)
    ),
    (180, 0.02),
]  # fmt: skip


@pytest.mark.parametrize("end", ["", "raise SystemExit(3)", "sys.stdout.flush(); os._exit(0)", "1 / 0"])
def test_a_figure_has_the_step_after_which_it_was_printed(tmp_path: Path, end: str) -> None:
    """In the forward, before and after the step of the optimizer, after an evaluation, and however the script ends."""
    assert _kept(_log(tmp_path, end)) == EXPECTED


def test_where_steps_show_in_the_parameters_alone_a_figure_has_that_of_its_evaluation(tmp_path: Path) -> None:
    """What was printed before it in the same step has that of the step before."""
    by_hand = "[parameter.data.sub_(0.1 * parameter.grad) for parameter in model.parameters()]"
    log = _log(tmp_path, "", by_hand)
    kept = {figure: step for step, figure in _kept(log)}
    steps = [record["step"] for record in log.evaluations]
    assert len(steps) == 3
    assert [kept[figure] for figure in (0.604, 0.1204, 0.1804)] == steps
    assert [kept[figure] for figure in (0.601, 0.1201, 0.1801)] == [step - 1 for step in steps]
