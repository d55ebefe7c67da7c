"""Several trainings in one process: each is judged, and the verdict is that of the worst, with its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from builders import build_log, event, make_loss, make_model, make_optimizer, site
from rulekit import cause

from trainadvisor.document import diagnose
from trainadvisor.judge.rulebook import Rulebook
from trainadvisor.judge.trainings import judge_trainings
from trainadvisor.log.reader import read_log
from trainadvisor.signals.kinds import adversarial

if TYPE_CHECKING:
    from pathlib import Path

STEPS = 200
TARGET = {"histogram": [100] * 10, "classes": 10, "shape": [32], "dtype": "int64"}


def _optimizer(number: int, parameters: list[int], line: int) -> dict[str, Any]:
    made = make_optimizer()
    group = {**made["groups"][0], "parameters": parameters}
    return {**made, "id": number, "groups": [group], "site": site("Adam(...)", line)}


def _folds(folder: Path, losses: list[Any], *, lines: list[int], held: list[list[int]], **parts: Any) -> Path:
    """Write a log of trainings one after the other."""
    models = [make_model(("a", "Linear", 4, 10), id=number) for number in range(len(losses))]
    count = len(losses[0])
    columns = {
        "loss": np.concatenate(losses),
        "loss_id": 0,
        "lr": 0.01,
        "opt": [[number] for number in range(len(losses)) for _ in range(count)],
    }
    optimizers = [_optimizer(n, parameters, line) for n, (parameters, line) in enumerate(zip(held, lines, strict=True))]
    return build_log(
        folder,
        models=models,
        optimizers=optimizers,
        losses=[make_loss(target=TARGET)],
        columns=columns,
        end={},
        **parts,
    )


FALLING = np.linspace(2.3, 0.1, STEPS)
STUCK = np.full(STEPS, 2.4) + 0.01 * np.sin(np.arange(STEPS))
HELD = [[100 * n, 100 * n + 1] for n in range(5)]


def test_the_verdict_is_that_of_the_worst_of_five_folds(tmp_path: Path) -> None:
    """The fourth learns nothing; every one is named, those without gradients as such that cannot be told."""
    curves = [FALLING, FALLING, FALLING, STUCK, FALLING]
    found = diagnose(_folds(tmp_path, curves, lines=[7] * 5, held=HELD))
    states = [phase["state"] for phase in found.run["phases"]]
    assert found.run["phase"] == 4
    assert found.state == states[3] == "broken"
    assert [(phase["first"], phase["last"]) for phase in found.run["phases"]] == [
        (200 * n, 200 * n + 199) for n in range(5)
    ]
    assert found.summary.startswith("training 4 of 5 (steps 600 to 799): ")
    (note,) = [note for note in found.notes if note.startswith("5 trainings were seen")]
    assert note.count("CAN'T TELL") == 4
    assert "4 (model, SGD, train.py:7, steps 600 to 799) BROKEN" in note
    assert [*states[:3], states[4]] == ["cannot-tell"] * 4
    assert found.told("zh").summary.startswith("第 4 次训练")


@pytest.mark.parametrize(("lines", "reasons"), [([7, 7], []), ([7, 9], ["deciding"])])
def test_what_decides_is_taken_over_from_a_fold_of_the_same_lines(
    tmp_path: Path, lines: list[int], reasons: list[str]
) -> None:
    """No layer of the second fold was sampled; another line of an optimizer makes another training."""
    table = event("table", {"id": 0, "model": 0, "rows": [{"name": "a", "kind": "linear", "layer": "a"}]})
    path = _folds(
        tmp_path, [FALLING, FALLING], lines=lines, held=HELD[:2],
        layers=[{"step": 10 * n, "table": 0, "grad": [1.0, 1.0]} for n in range(10)], events=[table],
    )  # fmt: skip
    needed = cause("needed", when=("grad_depth_ratio > 99",), deciding="always")
    others = [cause(f"quiet{n}", when=("steps < 0",)) for n in range(9)]
    judgement = judge_trainings(read_log(path), Rulebook({rule.code: rule for rule in (needed, *others)}))
    assert [reason.kind for reason in judgement.reasons] == reasons


def test_one_training_is_told_as_before(tmp_path: Path) -> None:
    """No phase is named where there is one."""
    found = diagnose(_folds(tmp_path, [FALLING], lines=[7], held=HELD[:1]))
    assert "phases" not in found.run
    assert not found.summary.startswith("training 1")


def test_optimizers_made_anew_at_one_line_belong_to_one_training(tmp_path: Path) -> None:
    """The same parameters from the same line; another line, as fine-tuning has, begins another training."""
    curves, held = [FALLING] * 3, [HELD[0]] * 3
    (phase,) = read_log(_folds(tmp_path, curves, lines=[7, 7, 7], held=held)).phases
    assert (phase.first, phase.last, phase.optimizers) == (0, 599, (0, 1, 2))
    phases = read_log(_folds(tmp_path, curves, lines=[7, 7, 9], held=held)).phases
    assert [(phase.first, phase.last) for phase in phases] == [(0, 399), (400, 599)]


def test_trainings_one_after_the_other_are_not_adversarial(tmp_path: Path) -> None:
    """Optimizers of different models that never take turns; where they do, the two are opponents."""
    log = read_log(_folds(tmp_path, [FALLING, FALLING], lines=[7, 7], held=HELD[:2]))
    assert not adversarial(log)
    models = [make_model(("a", "Linear", 4, 10), id=number) for number in range(2)]
    optimizers = [_optimizer(n, HELD[n], 7) for n in range(2)]
    steps = [{"opt": [step % 2], "loss": 1.0} for step in range(STEPS)]
    assert adversarial(
        read_log(build_log(tmp_path, models=models, optimizers=optimizers, steps=steps, name="gan.json"))
    )


def _then_fine_tuned(folder: Path, *, held: list[int], gradient: bool) -> Path:
    """Write a log of a pretraining, then of a fine-tuning whose optimizer holds some of a model's two layers."""
    models = [make_model(("a", "Linear", 4, 10), id=0), make_model(("a", "Linear", 4, 4), ("b", "Linear", 4, 10), id=1)]
    losses = [
        {**make_loss(target=TARGET, graph={"parameters": numbers}), "id": number}
        for number, numbers in enumerate([[0, 1], [102, 103]])
    ]
    steps = [
        {"opt": [number], "loss": float(loss), "loss_id": number, "lr": 0.01, "no_grad": number == 1 and not gradient}
        for number, curve in enumerate([FALLING, FALLING if gradient else STUCK])
        for loss in curve
    ]
    without = 0 if gradient else STEPS
    counts = {"step": 2 * STEPS, "step_without_grad": without, "gradless_optimizers": without // STEPS}
    optimizers = [_optimizer(0, [0, 1], 7), _optimizer(1, held, 9)]
    events = [event("tally", {**counts, "backward": 2 * STEPS, "manual_updates": False}, step=2 * STEPS)]
    return build_log(folder, models=models, optimizers=optimizers, losses=losses, steps=steps, events=events, end={})


def test_a_head_that_fine_tuning_does_not_hold_is_told_of_that_training(tmp_path: Path) -> None:
    """Its optimizer finds no gradient while the one before did: that is no loss cut off, and not the other's fault."""
    found = diagnose(_then_fine_tuned(tmp_path, held=[100, 101], gradient=False))
    first, second = (phase["codes"] for phase in found.run["phases"])
    assert (first, second[0]) == ([], "optimizer-param-mismatch")
    assert "detached-loss" not in [finding.code for finding in found.walk()]
    finding = found.findings[0]
    assert (finding.where, finding.subjects) == ("train.py:9", ["b.weight", "b.bias"])


def test_a_head_that_fine_tuning_holds_is_told_nothing_of(tmp_path: Path) -> None:
    """Nor what it keeps as it was."""
    found = diagnose(_then_fine_tuned(tmp_path, held=[102, 103], gradient=True))
    assert {code for phase in found.run["phases"] for code in phase["codes"]}.isdisjoint(
        {"optimizer-param-mismatch", "detached-loss"}
    )
