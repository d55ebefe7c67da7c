"""Single signals of small logs, each against numbers that can be worked out by hand."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
from builders import event, make_loss, signals_of

from trainadvisor.signals.shared_rows import MOSTLY

if TYPE_CHECKING:
    from pathlib import Path

# The level of three points falls from 13/3 to 8/3; the median of second differences is 1.
FALL = (13 / 3 - 8 / 3) / (1.4826 / math.sqrt(6) / math.sqrt(3))
BINARY = {"min": 0.0, "max": 1.0, "batches": 5, "examples": 80}
PARTNERS = {"expected": 4.0, "examples": 32, "right": 10, "other": 2, "order": "halves"}
WORKERS = {"loader": 1, "workers": 4, "compared": 2, "same": 1}
LOADERS = [{"id": 0, "role": "eval"}, {"id": 1, "role": "train", "examples": 800, "batch_size": 8}]
STEP = {"batches": 4, "examples": 32, "low": 0.25, "high": 0.25, "numbers": 100, "both_square": 5.0,
        "input_square": 100.0, "target_square": 100.0, "target_sum": 1.0}  # fmt: skip
ROWS = {
    "looked_at": 64,
    "times": 5,
    "found": 0,
    "pairs": 64_000,
    "equal": 0,
    "by_loader": True,
    "training_loader": False,
    "whole_batches": 0,
    "new_batches": 0,
    "real_rows": 64,
    "trained_rows": 100,
    "trained_taken": 400,
}


def losses(kind: str, *targets: dict[str, Any]) -> list[dict[str, Any]]:
    """Return losses with these targets."""
    return [make_loss(kind, target=target, id=number) for number, target in enumerate(targets)]


def happened(*events: tuple[Any, ...], **more: Any) -> dict[str, Any]:
    """Return the parts of a log with some events."""
    return {"events": [event(*each) for each in events], "steps": 40, **more}


SIGNALS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "labels of both kinds": (
        {"losses": losses("binary_cross_entropy_with_logits", BINARY, BINARY | {"min": 0.5}), "steps": 40},
        {"binary_label_min": 0.0, "binary_labels": 160},
    ),
    "labels of one kind": (
        {"losses": losses("binary_cross_entropy", BINARY | {"min": 1.0}), "steps": 40},
        {"binary_label_min": 1.0, "binary_labels": 80},
    ),
    "too few batches of labels": (
        {"losses": losses("binary_cross_entropy", BINARY, BINARY | {"batches": 4}), "steps": 40},
        {"binary_label_min": None, "binary_labels": None},
    ),
    "labels of uncounted examples": (
        {"losses": losses("binary_cross_entropy", BINARY | {"examples": None}), "steps": 40}, {"binary_labels": None},
    ),
    "labels of another loss": (
        {"losses": losses("cross_entropy", {"classes": 3}), "steps": 40},
        {"binary_label_min": 0.0, "binary_labels": None},
    ),
    "no loss": ({"steps": 40}, {"binary_label_min": None, "unlabeled_batches": None, "timestep_constant": None}),
    "partners": (
        happened(("partners", PARTNERS | {"right": 0}), ("partners", PARTNERS), ("other", PARTNERS | {"right": 5})),
        {"named_partners_excess": 3.0, "other_partners_excess": -1.0, "other_partners_share": 0.0625},
    ),
    "partners of no examples": (
        happened(("partners", PARTNERS), ("partners", PARTNERS | {"examples": 0, "right": 8})),
        {"named_partners_excess": 3.0, "other_partners_share": 0.0625},
    ),
    "one expected partner": (
        happened(("partners", PARTNERS | {"expected": 1.0, "right": 4})), {"named_partners_excess": 3.0},
    ),
    "partners that are not expected": (
        happened(("partners", PARTNERS | {"expected": 0})),
        {"named_partners_excess": 0.0, "other_partners_excess": 0.0, "other_partners_share": 0.0},
    ),
    "another tool knows no partners": (
        {"steps": 40, "source": "import"},
        {"named_partners_excess": None, "other_partners_excess": None, "other_partners_share": None},
    ),
    "workers": (
        happened(("worker-copies", WORKERS | {"same": 0}), ("worker-copies", WORKERS),
                 ("worker-copies", WORKERS | {"loader": 0, "same": 2}), ("other", WORKERS | {"same": 2}),
                 loaders=LOADERS),
        {"stream_workers": 4, "worker_copy_share": 0.5},
    ),
    "workers compared once": (
        happened(("worker-copies", WORKERS | {"compared": 1}), loaders=LOADERS),
        {"stream_workers": 4, "worker_copy_share": None},
    ),
    "no workers": (happened(loaders=LOADERS), {"stream_workers": None, "worker_copy_share": None}),
    "copied rows": (
        happened(("shared-rows", ROWS), loaders=LOADERS),
        {"loader_examples": 800, "distinct_rows": 100, "distinct_share": 0.25},
    ),
    "all rows of a small loader": (
        happened(("shared-rows", ROWS), loaders=[LOADERS[1] | {"examples": 200}]),
        {"loader_examples": 200, "distinct_rows": 100, "distinct_share": 0.5},
    ),
    "rows that may be equal": (
        happened(("shared-rows", ROWS | {"real_rows": 0}), ("shared-rows", ROWS), loaders=LOADERS),
        {"loader_examples": 800, "distinct_rows": None, "distinct_share": None},
    ),
    "rows of which most are measured": (
        happened(("shared-rows", ROWS | {"looked_at": 10, "real_rows": 10 * MOSTLY})), {"distinct_rows": 100},
    ),
    "rows of which half are measured": (
        happened(("shared-rows", ROWS | {"real_rows": 32})), {"distinct_rows": None},
    ),
    "a row that was not measured": (
        happened(("shared-rows", ROWS | {"looked_at": 1, "real_rows": None})), {"distinct_rows": None},
    ),
    "rows drawn by weight": (
        happened(("shared-rows", ROWS), loaders=[LOADERS[1] | {"sampler": "WeightedRandomSampler"}]),
        {"loader_examples": None, "distinct_rows": 100, "distinct_share": None},
    ),
    "rows listed twice": (
        happened(("shared-rows", ROWS), loaders=[LOADERS[1] | {"dataset": "ConcatDataset"}]),
        {"loader_examples": None, "distinct_share": None},
    ),
    "two training loaders": (
        happened(("shared-rows", ROWS), loaders=[LOADERS[1], LOADERS[1] | {"id": 2}]), {"loader_examples": None},
    ),
    "batches without labels": (
        happened(("label-counts", {"empty": 9, "batches": 9}, "training"),
        ("label-counts", {"empty": 2, "batches": 8}, "training"),
                 ("label-counts", {"empty": 1, "batches": 4}, "evaluation"),
                 ("label-counts", {"empty": 5, "batches": 5}, "x")),
        {"unlabeled_batches": 3, "unlabeled_of": 12},
    ),
    "a sum over no label": (
        happened(("label-counts", {"empty": 7, "batches": 8, "averaged": False}, "training")),
        {"unlabeled_batches": 0, "unlabeled_of": None},
    ),
    "a sum of which every batch is empty": (
        happened(("label-counts", {"empty": 8, "batches": 8, "averaged": False}, "training")),
        {"unlabeled_batches": 8, "unlabeled_of": 8},
    ),
    "a sum over two batches": (
        happened(("label-counts", {"empty": 2, "batches": 2, "averaged": False}, "training")), {"unlabeled_batches": 0},
    ),
    "counts of labels that are none": (
        happened(("label-counts", {"empty": "x", "batches": 8}, "training"), losses=losses("cross_entropy", {})),
        {"unlabeled_batches": 0},
    ),
    "a constant time step": (
        happened(("argument", STEP, "t")),
        {"timestep_constant": True, "timestep_name": "t", "timestep_value": 0.25, "timestep_examples": 32},
    ),
    "a time step beside a constant one": (
        happened(("argument", STEP | {"high": 0.5, "examples": 64}, "t"),
        ("argument", STEP | {"low": 0.5, "high": 0.5}, "sigma")),
        {"timestep_constant": True, "timestep_name": "sigma", "timestep_value": 0.5, "timestep_examples": 64},
    ),
    "a time step that varies": (
        happened(("argument", STEP | {"high": 0.5}, "t")),
        {"timestep_constant": False, "timestep_name": "t", "timestep_value": None},
    ),
    "noise that was mixed in": (happened(("argument", STEP | {"both_square": 5.1}, "extra")),
    {"timestep_name": "extra"}),
    "noise beside the input": (happened(("argument", STEP, "extra")), {"timestep_name": None}),
    "a target of another spread": (
        happened(("argument", STEP | {"both_square": 50.0, "target_square": 140.0}, "extra")), {"timestep_name": None},
    ),
    "a target of a smaller spread": (
        happened(("argument", STEP | {"both_square": 50.0, "target_square": 70.0}, "extra")), {"timestep_name": None},
    ),
    "a target with a mean": (
        happened(("argument", STEP | {"both_square": 50.0, "target_sum": 15.0}, "extra")), {"timestep_name": None},
    ),
    "few batches of an argument": (happened(("argument", STEP | {"batches": 3}, "t")), {"timestep_name": None}),
    "few examples of an argument": (happened(("argument", STEP | {"examples": 31}, "t")), {"timestep_name": None}),
}  # fmt: skip


@pytest.mark.parametrize("name", SIGNALS)
def test_what_was_seen_of_a_training(tmp_path: Path, name: str) -> None:
    """What happened, as signals tell it."""
    parts, told = SIGNALS[name]
    found = signals_of(tmp_path, **parts)
    assert {signal: found[signal] for signal in told} == told


def imported(points: dict[str, list[Any]], evals: dict[str, list[Any]] | None = None, **facts: Any) -> dict[str, Any]:
    """Return the parts of a log of another tool: columns, and metrics of one evaluation each step from the first on."""
    rows = [{"metrics": {name: values[n] for name, values in (evals or {}).items()}}
            for n in range(len(next(iter((evals or {"": []}).values()))))]  # fmt: skip
    records = [
        {"step": n, **{name: row for name, row in record["metrics"].items() if name == "loss"},
         "metrics": {name: row for name, row in record["metrics"].items() if name != "loss"}}
        for n, record in enumerate(rows)
    ]  # fmt: skip
    return {"columns": points, "evals": records, "source": "import", **facts}


TEN = [0.5] * 10
FORGOTTEN = [2.0, 2.0, 2.5, 3.0, 3.0, 3.0]
CURVES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a guess among four classes": (
        imported({"loss": [math.log(4)] * 5, "accuracy": [0.25] * 5}, imported={"classes": 4}),
        {"curve_chance_classes": 4},
    ),
    "a guess in percent": (
        imported({"loss": [math.log(4)] * 5, "accuracy": [25.0] * 5}), {"curve_chance_classes": 4},
    ),
    "too few accuracies": (
        imported({"loss": [math.log(4)] * 5, "accuracy": [0.25] * 4 + [None]}), {"curve_chance_classes": None},
    ),
    "more than a guess": (
        imported({"loss": [math.log(4)] * 5, "accuracy": [0.25] * 4 + [0.5]}), {"curve_chance_classes": 0},
    ),
    "a loss below that of a guess": (
        imported({"loss": [math.log(4)] * 4 + [0.5], "accuracy": [0.25] * 5}), {"curve_chance_classes": 0},
    ),
    "always right": (imported({"loss": [0.1] * 5, "accuracy": [1.0] * 5}), {"curve_chance_classes": 0}),
    "never right": (imported({"loss": [0.1] * 5, "accuracy": [0.0] * 5}), {"curve_chance_classes": 0}),
    "a metric among others": (
        imported({"loss": TEN}, {"val_acc": [0.5, 0.6, 0.7], "runtime_acc": [9.0] * 3, "zzz": [1.0] * 3}),
        {"curve_metric": "val_acc"},
    ),
    "too few values of a metric": (imported({"loss": TEN}, {"val_acc": [0.5, 0.6]}), {"curve_metric": None}),
    "a score that falls": (
        imported({"loss": TEN}, {"val_score": [1.0, 2.0, 4.0, 4.0, 4.0, 2.0, 2.0, 2.0], "val_score_max": [9.0] * 8}),
        {"held_out_score_lost": 0.5},
    ),
    "a fall in noises of a level": (
        imported({"loss": TEN}, {"val_score": [1.0, 2.0, 4.0, 5.0, 4.0, 3.0, 2.0, 3.0]}),
        {"held_out_score_fall": pytest.approx(FALL)},
    ),
    "four scores": (imported({"loss": TEN}, {"val_score": [4.0, 4.0, 4.0, 2.0]}), {"held_out_score_lost": None}),
    "the smallest fall": (
        imported({"loss": TEN}, {"val_score": [4.0, 4.0, 2.0, 2.0, 2.0], "test_acc": [4.0, 4.0, 3.0, 3.0, 3.0]}),
        {"held_out_score_lost": 0.25},
    ),
    "a score below zero": (
        imported({"loss": TEN}, {"val_score": [-4.0, -2.0, -3.0, -3.0, -3.0]}), {"held_out_score_lost": 0.5},
    ),
    "forgotten": (
        imported({"loss": TEN}, {"eval_loss": [4.0, 3.0, 2.0, 1.0, 1.0, 1.0], "eval_wiki_loss": FORGOTTEN}),
        {"forgotten_rise": 0.5},
    ),
    "kept": (
        imported({"loss": TEN}, {"eval_loss": [1.0] * 6, "eval_wiki_loss": FORGOTTEN}),
        {"forgotten_rise": None},
    ),
    "only what was known before": (
        imported({"loss": TEN}, {"eval_wiki_loss": FORGOTTEN}), {"forgotten_rise": None},
    ),
    "a reward of training": (
        imported({"loss": TEN, "reward": [float(n) for n in range(10)], "q_mean": [*TEN[:7], 3.0, 3.0, 3.0]}),
        {"q_over_return": 3.0 / 9},
    ),
    "answers that are cut off": (
        imported({"loss": TEN, "completions/clipped_ratio": [0.25] * 5 + [0.75] * 5, "rollout_is_mean": [0.5] * 10,
                  "logprobs_diff": [-0.25] * 10, "rollout_probs_diff_mean": [0.5] * 7 + [0.125] * 3}),
        {"answers_cut_off": 0.25, "rollout_weight": 2.0, "rollout_logp_gap": 0.25, "rollout_probability_gap": 0.125},
    ),
    "the loss of groups": (
        imported({"loss": [-0.25] * 3 + [1.0] * 7, "reward_std": TEN}), {"group_loss_early": 0.25},
    ),
    "the loss of groups without spread": (
        imported({"loss": [-0.25] * 3 + [1.0] * 7, "frac_reward_zero_std": TEN}), {"group_loss_early": 0.25},
    ),
    "no groups": (imported({"loss": [-0.25] * 3 + [1.0] * 7}), {"group_loss_early": None}),
    "entropy": (
        imported({"loss": [0.5] * 60, "entropy": [4.0] * 6 + [3.0] * 34 + [1.0] * 20,
                  "explained_variance": [0.5] * 60}),
        {"policy_entropy_early": 4.0, "policy_entropy_late": 1.0, "explained_variance_late": 0.5},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CURVES)
def test_what_curves_of_another_tool_say(tmp_path: Path, name: str) -> None:
    """Figures of other tools, as signals tell them."""
    parts, told = CURVES[name]
    found = signals_of(tmp_path, **parts)
    assert {signal: found[signal] for signal in told} == pytest.approx(told)
