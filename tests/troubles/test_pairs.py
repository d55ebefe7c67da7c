"""Each of the 25 troubles is named in a small training or log that has it, and nothing alarms in its healthy twin."""

from __future__ import annotations

import ast
import subprocess
import sys
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
    10: (texts.adapters_without_gradient, "zero-gradients"),
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


def alarms_of(folder: Path, number: int, *, broken: bool) -> list[str]:
    """The same of one of the trainings; memory is that of a process, so the one that fills it has its own."""
    if TRAININGS[number][1] != "memory-growth":
        return alarms(recorded(folder, TRAININGS[number][0], broken=broken))
    code = (
        f"import pathlib, sys; sys.path[:0] = {sys.path!r}\nfrom troubles import test_pairs as pairs\n"
        f"print(pairs.alarms(pairs.recorded(pathlib.Path({str(folder)!r}), pairs.runs.memory_grows, broken={broken})))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return list(ast.literal_eval(done.stdout.splitlines()[-1]))


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
    assert alarms_of(tmp_path, number, broken=True)[:1] == [TRAININGS[number][1]]


@pytest.mark.parametrize("number", TRAININGS)
def test_the_same_training_without_it(number: int, tmp_path: Path) -> None:
    """Nothing alarms."""
    assert alarms_of(tmp_path, number, broken=False) == []


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
