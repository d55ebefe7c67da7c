"""Each of the 25 troubles is named in a small training or log that has it, and nothing alarms in its healthy twin."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import pytest
import torch
from troubles import logs, runs, texts

from trainadvisor import telling
from trainadvisor.importers.foreign_logs import read_log
from trainadvisor.judge.rule_loading import load
from trainadvisor.testing import Everything

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from trainadvisor.judge.result import Diagnosis

TRAININGS: dict[int, tuple[Callable[..., None], str]] = {
    2: (texts.labels_masked, "masked-labels"),
    3: (texts.prompt_not_masked, "prompt-not-masked"),
    4: (texts.stop_masked, "stop-token-masked"),
    5: (runs.accumulated, "grad-accumulation-scaling"),
    9: (texts.packing_leaks, "packing-leak"),
    10: (texts.adapters_without_gradient, "frozen-parameters"),
    11: (texts.optimizer_before_adapters, "optimizer-param-mismatch"),
    12: (runs.scheduled, "scheduler-step-count"),
    13: (runs.rounded_away, "low-precision-update-loss"),
    15: (runs.memory_grows, "memory-growth"),
    16: (runs.latents_overflow, "nan-loss"),
    19: (runs.compiled, "nan-gradients"),
    20: (runs.pixels, "class-imbalance"),
    23: (runs.resumed, "resume-jump"),
    25: (runs.order_fixed, "sampler-epoch-fixed"),
}
LOGS: dict[int, tuple[Callable[..., Path], str]] = {
    1: (logs.loss_zero, "loss-zero-to-end"),
    6: (logs.loss_of_groups, "groups-without-spread"),
    7: (logs.policy_drifts, "policy-drift"),
    8: (logs.rollout_differs, "rollout-mismatch"),
    14: (logs.hangs, "collective-stalled"),
    17: (logs.rewards_fall, "preference-collapse"),
    18: (logs.variance_unexplained, "explained-variance-low"),
    21: (logs.held_out_rises, "validation-rises"),
    22: (logs.forgets, "forgetting"),
}
NORMAL = {6: "group-loss-near-zero", 17: "preference-rewards-both-fall"}


@pytest.fixture(autouse=True)
def _as_alone() -> object:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(threads)


def alarms(found: Diagnosis) -> list[str]:
    """The codes of what is more than a note, the first cause first; how busy the machine is does not count."""
    rules = load().rules
    told = [item.code for item in found.findings if item.severity > "note"]
    return [code for code in told if code == "memory-growth" or rules[code].family != "throughput"]


def recorded(folder: Path, train: Callable[..., None], *, broken: bool) -> Diagnosis:
    """The diagnosis of a training that is recorded as `trainadvisor run` does."""
    everything = Everything(folder / "log.json")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        train(broken=broken)
    return everything.diagnose()


def test_every_trouble_has_a_pair() -> None:
    """The twenty-fourth needs two processes: tests/record/everything/test_processes.py has its pair."""
    assert sorted([*TRAININGS, *LOGS, 24]) == list(range(1, 26))


@pytest.mark.parametrize("number", TRAININGS)
def test_a_training_with_a_trouble(number: int, tmp_path: Path) -> None:
    """Its code is the first cause."""
    train, code = TRAININGS[number]
    assert alarms(recorded(tmp_path, train, broken=True))[:1] == [code]


@pytest.mark.parametrize("number", TRAININGS)
def test_the_same_training_without_it(number: int, tmp_path: Path) -> None:
    """Nothing alarms."""
    assert alarms(recorded(tmp_path, TRAININGS[number][0], broken=False)) == []


@pytest.mark.parametrize("number", LOGS)
def test_a_log_with_a_trouble(number: int, tmp_path: Path) -> None:
    """Its code is the first cause."""
    write, code = LOGS[number]
    assert alarms(telling.diagnose(read_log(write(tmp_path, broken=True))))[:1] == [code]


@pytest.mark.parametrize("number", LOGS)
def test_the_same_log_without_it(number: int, tmp_path: Path) -> None:
    """Nothing alarms, and what is normal is said to be so."""
    found = telling.diagnose(read_log(LOGS[number][0](tmp_path, broken=False)))
    assert alarms(found) == []
    assert NORMAL.get(number) in [None, *(item.code for item in found.findings if item.kind == "expected")]
