"""Learning rates as the log has them, step by step."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
from trialkit import CLASSIFIER, change, trial

if TYPE_CHECKING:
    from pathlib import Path

STEP = "        optimizer.step()\n"


def _scheduled(schedule: str) -> str:
    line = f"schedule = torch.optim.lr_scheduler.{schedule}\nfor epoch"
    return CLASSIFIER.replace("for epoch", line).replace(STEP, f"{STEP}        schedule.step()\n")


def _rates(script: str, folder: Path, word: str, **arguments: Any) -> list[float]:
    outcome = trial(script, folder, change(word, **arguments))
    assert outcome.changes[0]["applied"], outcome.changes
    return [record["lr"][0] for record in outcome.records if record["record"] == "step"]


def test_a_warm_up_rises_linearly_to_the_rate_of_the_script(tmp_path: Path) -> None:
    """Four steps of a quarter each, then 0.1."""
    assert _rates(CLASSIFIER, tmp_path, "warmup", steps=4) == pytest.approx([0.025, 0.05, 0.075, *[0.1] * 9])


def test_a_longer_warm_up_of_the_script_is_replaced(tmp_path: Path) -> None:
    """The script would be at 1.2 % of its rate at the end."""
    script = _scheduled("LambdaLR(optimizer, lambda s: min(1.0, (s + 1) / 1000))")
    assert _rates(script, tmp_path, "warmup", steps=2) == pytest.approx([0.05, *[0.1] * 11], rel=1e-4)


def test_a_decay_of_the_script_goes_on_behind_a_warm_up(tmp_path: Path) -> None:
    """Both factors are multiplied."""
    rates = _rates(_scheduled("ExponentialLR(optimizer, 0.9)"), tmp_path, "warmup", steps=2)
    assert rates == pytest.approx([0.05, *(0.1 * 0.9**step for step in range(1, 12))], rel=1e-4)


@pytest.mark.parametrize("script", [CLASSIFIER, _scheduled("ExponentialLR(optimizer, 0.5)")])
def test_a_cosine_replaces_the_schedule_of_the_script(tmp_path: Path, script: str) -> None:
    """From the rate of the script to nearly zero over twelve steps."""
    expected = [0.05 * (1 + math.cos(math.pi * step / 12)) for step in range(12)]
    assert _rates(script, tmp_path, "schedule", name="cosine", steps=12) == pytest.approx(expected, rel=1e-4)


def test_one_cycle_rises_to_ten_times_the_rate_and_falls_to_zero(tmp_path: Path) -> None:
    """The peak stands behind 30 % of the steps."""
    rates = _rates(CLASSIFIER, tmp_path, "schedule", name="one-cycle", steps=10)
    assert max(rates) == pytest.approx(1.0) == rates[3]
    assert rates[0] == pytest.approx(0.04)
    assert rates[:4] == sorted(rates[:4])
    assert rates[3:] == sorted(rates[3:], reverse=True)


def test_the_rate_is_halved_where_the_loss_stands_still(tmp_path: Path) -> None:
    """Random labels cannot be learned: windows of 50 steps without a fall halve the rate."""
    script = CLASSIFIER.replace("range(2)", "range(30)").replace(
        "(x[:, 0] > x[:, 1]).long()", "torch.randint(2, (48,))"
    )
    rates = _rates(script.replace("* 3 + 1", "* 0"), tmp_path, "schedule", name="plateau")
    assert rates[:99] == pytest.approx([0.1] * 99)
    assert rates[99:149] == pytest.approx([0.05] * 50)


def test_a_schedule_may_be_moved_every_step(tmp_path: Path) -> None:
    """The script itself moves it once an epoch."""
    script = _scheduled("ExponentialLR(optimizer, 0.9)").replace("        schedule.step()", "    schedule.step()")
    rates = _rates(script, tmp_path, "scheduler-step", per="step")
    assert rates[:7] == pytest.approx([0.1] * 7)  # it is known only from its first step on
    assert rates[7:] == pytest.approx([0.1 * 0.9 ** (step + 1) for step in range(5)], rel=1e-4)


def test_the_rates_of_groups_keep_their_proportion(tmp_path: Path) -> None:
    """The highest one becomes the value."""
    groups = "[{'params': model[0].parameters(), 'lr': 0.02}, {'params': model[2].parameters()}]"
    script = CLASSIFIER.replace("model.parameters()", groups)
    outcome = trial(script, tmp_path, change("lr", value=0.01))
    rates = [record["lr"] for record in outcome.records if record["record"] == "step"]
    assert rates == [pytest.approx([0.002, 0.01])] * 12
    assert [group["lr"] for group in outcome.names["optimizer"].param_groups] == [0.02, 0.1]


FOREIGN = (
    CLASSIFIER.replace(
        "optimizer = SGD(model.parameters(), lr=0.1)",
        """
import sys
import types

class Variable:
    def __init__(self, value):
        self.value = torch.tensor(value)
    def assign(self, value):
        self.value = torch.tensor(float(value))
    def __float__(self):
        return float(self.value)

class BaseOptimizer:
    def __init__(self, parameters, rate):
        self._trainable_variables = [types.SimpleNamespace(value=p) for p in parameters]
        self._learning_rate = Variable(rate)
    @property
    def learning_rate(self):
        return self._learning_rate
    def apply(self, gradients, variables=None):
        taken.append(float(self._learning_rate))
        with torch.no_grad():
            for variable, gradient in zip(self._trainable_variables, gradients):
                variable.value.sub_(taken[-1] * gradient)

taken = []
home = types.ModuleType("keras.src.optimizers.base_optimizer")
home.BaseOptimizer = BaseOptimizer
sys.modules[home.__name__] = home
optimizer = BaseOptimizer(list(model.parameters()), 0.1)
""",
    )
    .replace("        optimizer.zero_grad()", "        model.zero_grad()")
    .replace("        optimizer.step()", "        optimizer.apply([p.grad for p in model.parameters()])")
)


def test_the_rate_of_an_optimizer_that_is_not_of_torch_is_changed_for_its_steps(tmp_path: Path) -> None:
    """Each step is taken and recorded with a tenth of the rate, and the script finds its own again."""
    ended = """
assert all(abs(rate - 0.01) < 1e-6 for rate in taken), taken
assert abs(float(optimizer.learning_rate) - 0.1) < 1e-6
"""
    assert _rates(FOREIGN + ended, tmp_path, "lr", factor=0.1) == pytest.approx([0.01] * 12)
