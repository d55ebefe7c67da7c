"""What is said of a process that made many short trainings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from builders import build_log, make_loss, make_model, make_optimizer

import trainadvisor

if TYPE_CHECKING:
    from pathlib import Path

    from trainadvisor.judge.result import Diagnosis

MODELS, STEPS = 10, 40


def _diagnosed(folder: Path, *, models: int, lang: str = "en", **parts: Any) -> Diagnosis:
    """Judge a log whose loss falls from 1 to 0.2, then ends far above where it began."""
    steps, each = MODELS * STEPS, MODELS * STEPS // models
    losses = [1 - 0.8 * k / 300 if k < 300 else 9.0 + 0.01 * k for k in range(steps)]
    records = [{"loss": loss, "loss_id": 0, "opt": [k // each]} for k, loss in enumerate(losses)]
    made = [make_model(("a", "Linear", 2, 2), id=k) for k in range(models)]
    optimizers = [make_optimizer(id=k, parameters=[100 * k, 100 * k + 1]) for k in range(models)]
    header = {"models": made, "optimizers": optimizers, "losses": [make_loss("mse_loss")]} | parts
    return trainadvisor.diagnose(build_log(folder, steps=records, **header), lang=lang)


def _codes(found: Diagnosis) -> set[str]:
    return {finding.code for finding in found.findings if finding.severity != "note"}


def test_losses_of_many_models_are_no_course_of_one(tmp_path: Path) -> None:
    """A loss that jumps because it is another model's is no divergence: what was seen is said, and no more."""
    found = _diagnosed(tmp_path, models=MODELS)
    assert (found.state, found.findings) == ("cannot-tell", [])
    assert found.summary == (
        "many short trainings were seen (10 models, about 40 steps each); no single one is long enough to judge."
    )
    assert (found.run["trainings"], found.run["trainings_steps"]) == (MODELS, STEPS)
    assert found.run.keys().isdisjoint({"loss_first", "loss_final", "loss_curve", "grad_norm_median"})
    assert "10 个模型" in _diagnosed(tmp_path, models=MODELS, lang="zh").summary


def test_the_same_losses_of_one_model_are_its_course(tmp_path: Path) -> None:
    """As ever."""
    found = _diagnosed(tmp_path, models=1)
    assert found.state == "broken"
    assert "divergence" in _codes(found)
    assert "trainings" not in found.run


def test_trainings_that_were_left_out_are_counted(tmp_path: Path) -> None:
    """In the verdict with those that were recorded, and by themselves in a remark; the last count holds."""
    told = [
        {"kind": "overhead", "step": step, "subject": "", "detail": {"share": 0.1, "trainings_left_out": count}}
        for step, count in ((100, 90), (399, 2990))
    ]
    found = _diagnosed(tmp_path, models=MODELS, events=told)
    assert "(3000 models, about 40 steps each)" in found.summary.replace(",000", "000")
    assert "2990 short trainings were left out: they would have cost more than the budget" in found.notes


@pytest.mark.parametrize("graph", [{"softmax_inputs": "softmax"}, {"softmax_inputs": None}])
def test_what_was_seen_directly_holds_for_many_too(tmp_path: Path, graph: dict[str, Any]) -> None:
    """A softmax before a cross-entropy is one in each of them; a log without one has nothing found."""
    full = {"ops": [], "linear_layers": 1, "nonlinear_ops": 0, "output_activation": None, "broadcast": None,
            "opaque": False, "parameters": [0, 1], **graph}  # fmt: skip
    loss = {**make_loss("cross_entropy", {"shape": [8, 2]}, {"classes": 2}), "graph": full}
    found = _diagnosed(tmp_path, models=MODELS, losses=[loss])
    assert ("softmax-before-cross-entropy" in _codes(found)) == (graph["softmax_inputs"] is not None)
