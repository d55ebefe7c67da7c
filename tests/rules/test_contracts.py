"""Every rule, held by a log: that of a healthy run, and the same with one fault."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import event, make_loss, make_model, make_optimizer, signals_of

from trainadvisor.judge import rule_loading
from trainadvisor.judge.engine import judge
from trainadvisor.judge.rule_verdict import FOUND
from trainadvisor.signals.context import contexts

FAMILIES = ("wiring", "data", "throughput")
STEPS, EPOCH = 240, 40
H0 = math.log(10)
TARGET = {
    "histogram": [100] * 10,
    "classes": 10,
    "shape": [32],
    "dtype": "int64",
    "integer": True,
    "batches": 16,
    "examples": 512,
    "out_of_range": 0,
    "ignored_share": 0.0,
    "batch_entropy": 2.1,
    "batch_entropy_expected": 2.1,
}
LOGITS = {
    "shape": [32, 10],
    "min": -3.0,
    "max": 4.0,
    "row_sum_min": -4.0,
    "row_sum_max": 6.0,
    "nonnegative": False,
    "batches": 16,
    "batch_spread": 0.8,
}
GRAPH = {
    "opaque": False,
    "ops": [],
    "parameters": [0, 1, 2, 3],
    "linear_layers": 2,
    "nonlinear_ops": 1,
    "softmax_inputs": None,
    "output_activation": None,
    "broadcast": None,
}
INPUTS = {
    "model": 0,
    "phase": "train",
    "floating": True,
    "binary": False,
    "mean": 0.0,
    "std": 1.0,
    "abs_max": 3.5,
    "features": 8,
    "feature_mean_max_abs": 0.1,
    "feature_std_min": 0.9,
    "feature_std_max": 1.1,
    "constant_features": 0,
    "examples": 512,
    "batches": 16,
    "identical_batches": 0,
    "nonfinite": 0,
}
TALLY = {
    "step": STEPS,
    "backward": STEPS,
    "zero_grad": STEPS,
    "train_forward": STEPS,
    "stale_steps": 0,
    "step_without_grad": 0,
    "zero_between_backward_and_step": 0,
    "clip_calls": 0,
    "clip_before_unscale": 0,
    "accumulation": 1,
    "accumulation_divided": False,
    "manual_updates": False,
}
SAMPLE = {
    "table": 1,
    "grad": [1.0, 0.1, 1.0, 0.1],
    "update": [1e-3] * 4,
    "weight": [5.0, 1.0, 3.0, 1.0],
    "act_rms": [0.6, 0.4, 0.5],
    "act_spread": [0.5, 0.3, 0.4],
}
ROWS = [{"name": n, "kind": k, "layer": n, "units": 64} for n, k in (("a", "linear"), ("act", "relu"), ("b", "linear"))]
LOADER = {"id": 0, "role": "train", "shuffle": True, "batches": EPOCH, "batch_size": 32, "workers": 0}


def falling(start: float = H0, end: float = 0.2) -> list[float]:
    """A curve from start to end."""
    return (end + (start - end) * np.exp(-5 * np.linspace(0, 1, STEPS))).tolist()


def flat(level: float = H0) -> list[float]:
    """A curve that stays where it is, up to the noise of the batches."""
    return (level + 0.01 * np.random.default_rng(0).normal(size=STEPS)).tolist()


def sound(**changes: Any) -> dict[str, Any]:
    """The parts of a healthy run, some of them changed: columns, counts, facts of loss, inputs and samples."""
    columns = {
        "loss": falling(),
        "loss_id": 0,
        "lr": 0.1,
        "batch": 32,
        "seconds": 0.01,
        "wait": 0.001,
        "memory": 200.0,
        "mode": "train",
        "epoch": [i // EPOCH for i in range(STEPS)],
        **changes.pop("columns", {}),
    }
    loss = changes.pop("loss", {})
    facts = {"target": {**TARGET, **loss.pop("target", {})}, "prediction": {**LOGITS, **loss.pop("prediction", {})}}
    graph = {**GRAPH, **loss.pop("graph", {})}
    held_out = [
        {
            "step": EPOCH * (i + 1),
            "loss": v,
            "examples": 400,
            "mode": "eval",
            "care": True,
            "majority_share": 0.12,
            "classes_predicted": 10,
        }
        for i, v in enumerate(changes.pop("val", (1.2, 0.7, 0.5, 0.4, 0.35, 0.3)))
    ]
    seen = [
        event("inputs", {**INPUTS, **changes.pop("inputs", {})}),
        event("inputs", {**INPUTS, "phase": "eval", **changes.pop("checked", {})}),
    ]
    events = [
        *seen,
        event("table", {"id": 1, "model": 0, "rows": ROWS}),
        event("tally", {**TALLY, **changes.pop("tally", {})}),
    ]
    sample = {**SAMPLE, **changes.pop("sample", {})}
    base = {
        "columns": columns,
        "losses": [make_loss(loss.pop("kind", "cross_entropy"), graph=graph, **facts, **loss)],
        "models": [make_model(("a", "Linear", 8, 64), ("act", "ReLU"), ("b", "Linear", 64, 10))],
        "optimizers": [make_optimizer(parameters=(0, 1, 2, 3))],
        "loaders": [{**LOADER, **changes.pop("loader", {})}],
        "events": events + changes.pop("happened", []),
        "evals": held_out,
        "layers": [{"step": 10 * i, **sample} for i in range(STEPS // 10)],
    }
    return {**base, **changes}


@pytest.fixture(scope="module")
def book() -> Any:
    """The shipped rules."""
    return rule_loading.load()


@pytest.fixture
def found(tmp_path: Path, book: Any) -> Callable[..., set[str]]:
    """Codes of these families found in a run."""

    def judged(parts: Mapping[str, Any]) -> set[str]:
        signals = signals_of(tmp_path, **parts)
        verdicts = judge(signals, book, contexts(signals.log))
        assert signals.notes == []
        return {
            v.code for v in verdicts if v.state == FOUND and (v.rule.family in FAMILIES or v.code == "zero-gradients")
        }

    return judged


REGRESSION = {
    "kind": "mse_loss",
    "prediction": {"shape": [32, 1]},
    "target": {
        "shape": [32, 1],
        "histogram": None,
        "classes": None,
        "mean": 0.0,
        "std": 1.0,
        "variance": 1.0,
        "min": -1.0,
        "max": 1.0,
        "above_one_share": 0.0,
        "negative_share": 0.5,
    },
}


def regression(**changes: Any) -> dict[str, Any]:
    """Facts of a regression loss."""
    graph = {"output_activation": changes.pop("activation", None)}
    return {**REGRESSION, "target": {**REGRESSION["target"], **changes}, "graph": graph}


PACKED = {"looks": 4, "told_by": "position_ids", "borders": 96, "attentions": 8, "crossing": 8, "cut": 0,
          "marked_share": 1.0}  # fmt: skip
MASKS = {"looks": 8, "right": 0, "inverted": 16, "on": "attention", "cut_rows": 256, "shown": 1592, "hidden": 1992,
         "lengths": 11, "ids": 1, "site": None}  # fmt: skip
POOR = {"columns": {"loss": flat()}, "val": (2.31, 2.3, 2.3, 2.31, 2.3, 2.3)}
MEMORISED = (2.31 - 0.02 * np.arange(STEPS) / EPOCH + 0.001 * np.cos(np.arange(STEPS))).tolist()

PLACES = {
    "batches": 16,
    "labels": 2000,
    "sources": 1,
    "sight": ["causal attention"],
    "straight": True,
    "same_share": 0.1,
    "next_share": 1.0,
    "ends": 100,
    "after_end": 0,
    "after_end_share": 1.0,
    "after_end_labels": 50,
    "last_label_share": 1.0,
    "label_counts": 5,
}

TWO_MODELS = [
    make_model(("a", "Linear", 8, 64), ("act", "ReLU"), ("b", "Linear", 64, 10), id=number) for number in (0, 1)
]

FAULTS: dict[str, Any] = {
    "validation-leak": {
        "happened": [
            event(
                "shared-rows",
                {
                    "looked_at": 64,
                    "times": 5,
                    "found": 64,
                    "same_examples": 1.0,
                    "pairs": 0,
                    "equal": 0,
                    "trained_rows": 64,
                    "by_loader": True,
                    "whole_batches": 0,
                    "new_batches": 0,
                    "training_loader": False,
                    "word": "held-out",
                    "calls": 10,
                    "in_train_mode": 0,
                },
                "evaluation 0",
            )
        ]
    },
    "data-repeats": {"happened": [event("worker-copies", {"loader": 0, "workers": 2, "compared": 6, "same": 6})]},
    "loader-empty": {"loader": {"batches": 0, "examples": 20, "batch_size": 32}},
    "data-used-up": {"evals": [{"step": STEPS, "loss": 0.5, "examples": 400, "mode": "eval", "series": 0}] * 5},
    "optimizer-train-mode-in-eval": {
        "happened": [event("optimizer-mode", {"optimizer": 0, "evaluations": 8, "wrong": 8}, "AdamWScheduleFree")]
    },
    "sampler-epoch-fixed": {
        "happened": [
            event("sampler-epochs", {"loader": 0, "passes": 10, "different": 1, "sampler": "DistributedSampler"})
        ]
    },
    "scrambled-axes": {"happened": [event("moved-axes", {"viewed": [32, 28, 28, 3], "shape": [32, 3, 28, 28]})]},
    "softmax-wrong-dim": {"happened": [event("softmax-axis", {"over": "batch", "dim": 0, "shape": [32, 10]})]},
    "stale-evaluated-copy": {
        "models": TWO_MODELS,
        "evals": [
            {"step": EPOCH * (i + 1), "loss": 0.5, "examples": 400, "mode": "eval", "model": 1} for i in range(4)
        ],
        "happened": [
            event(
                "evaluated-copy",
                {
                    "copy": 1,
                    "original_rounds": 0,
                    "still": False,
                    "copied": True,
                    "statistics_still": True,
                    "statistics_move": True,
                    "lag": 0.02,
                },
                "model",
            )
        ],
    },
    "target-network-stale": {
        "models": TWO_MODELS,
        "happened": [
            event(
                "twin",
                {
                    "twin": 1,
                    "first": 0,
                    "last": 2000,
                    "called": STEPS,
                    "looked": 5,
                    "others": 5,
                    "changed": False,
                    "alike": [0],
                },
                "model",
            )
        ],
    },
    "checkpoint-not-loaded": {
        "happened": [event("state-load", {"into": 0, "copied_share": 0.0, "used_share": 0.0, "lost_share": 1.0})]
    },
    "reference-not-copied": {"happened": [event("self-reference", {"looked": 10, "equal": 10, "zero": 10})]},
    "best-weights-not-copied": {"happened": [event("kept-weights", {"taken": 50, "used": 150})]},
    "loss-term-without-gradient": {
        "happened": [event("loss-term", {"of": 0, "number": 0, "rounds": 3, "lost": 3}, "mse_loss (train.py:9)")]
    },
    "batch-mixing": {
        "happened": [
            event(
                "sequence-axes",
                {
                    "calls": 2,
                    "batch_first": False,
                    "rows": [{"loader": 32, "time": 32, "batch": 20}, {"loader": 8, "time": 8, "batch": 20}],
                },
                "lstm",
            )
        ]
    },
    "missing-zero-grad": {"tally": {"stale_steps": STEPS - 1, "zero_grad": 0}},
    "missing-optimizer-step": {"tally": {"step": 0}},
    "missing-backward": {"tally": {"step_without_grad": STEPS, "backward": 0}},
    "zero-grad-before-step": {"tally": {"step_without_grad": STEPS, "zero_between_backward_and_step": STEPS}},
    "optimizer-param-mismatch": {"optimizers": [make_optimizer(parameters=(0, 1))]},
    "frozen-parameters": {"sample": {"update": [0.0, 0.0, 1e-3, 1e-3]}},
    "optimizer-recreated": {
        "happened": [
            event(
                "optimizer-anew",
                {"first": 0, "optimizer": 0, "made": 20, "steps": 400, "forgetful": 19, "firsts": [40, 60, 80]},
            )
        ]
    },
    "detached-loss": {"tally": {"gradless_optimizers": 1}},
    "attribute-without-effect": {
        "happened": [event("optimizer-attribute", {"optimizer": 0, "value": 0.1, "used": [1.0]}, "lr")]
    },
    "clip-after-step": {"tally": {"clips_after_step": STEPS, "clips_before_step": 0}},
    "zero-gradients": {"sample": {"grad": [None, None, 1.0, 0.1], "update": [0.0, 0.0, 1e-3, 1e-3]}},
    "softmax-before-cross-entropy": {"loss": {"graph": {"softmax_inputs": "softmax"}}},
    "wrong-output-activation": {
        "loss": regression(activation="sigmoid", min=0.0, max=4.0, above_one_share=0.6, negative_share=0.0)
    },
    "wrong-loss-function": {"loss": {"prediction": {"shape": [32, 1]}}},
    "loss-shape-broadcast": {"loss": {**regression(), "broadcast": [[32, 1], [32]]}},
    "missing-nonlinearity": {"loss": {"graph": {"nonlinear_ops": 0}}, **POOR},
    "eval-mode-in-training": {
        "columns": {"mode": ["train"] * EPOCH + ["eval"] * (STEPS - EPOCH)},
        "models": [make_model(("a", "Linear", 8, 64), ("drop", "Dropout", {"p": 0.5}), ("b", "Linear", 64, 10))],
    },
    "train-mode-in-eval": {"evals": [{"step": EPOCH, "loss": 0.5, "examples": 400, "mode": "train", "care": True}]},
    "accumulation-cleared": {"tally": {"accumulated_steps": 10, "step": 10, "cleared_backwards": 30, "backward": 40}},
    "grad-accumulation-scaling": {"tally": {"accumulation": 8}, "sample": {"update": [8e-3] * 4}, **POOR},
    "clip-before-unscale": {"tally": {"clip_calls": STEPS, "clip_before_unscale": STEPS}},
    "replica-divergence": {
        "world_size": 4,
        "happened": [event("replicas", {"parameters": 4, "different": 1, "first": "a.weight"}, step=50)],
    },
    "resume-jump": {"happened": [event("resume", {"loss": 0.5}, step=0)]},
    "unnormalized-inputs": {
        "inputs": {"mean": 80.0, "std": 60.0},
        "checked": {"mean": 80.0, "std": 60.0},
        "sample": {"act_rms": [60.0, 40.0, 20.0]},
        **POOR,
    },
    "unnormalized-targets": {
        "loss": regression(mean=250.0, std=20.0, variance=400.0),
        "columns": {"loss": flat(60000.0)},
        "val": (),
    },
    "unshuffled-data": {"loss": {"target": {"batch_entropy": 0.2}}, "loader": {"shuffle": False}},
    "class-imbalance": {
        "loss": {"target": {"histogram": [950, 50], "classes": 2}},
        "evals": [
            {"step": EPOCH * i, "loss": 0.2, "examples": 400, "majority_share": 1.0, "classes_predicted": 1}
            for i in (5, 6)
        ],
    },
    "label-problem": {"columns": {"loss": MEMORISED}, "val": (2.31, 2.32, 2.33, 2.34, 2.36, 2.4)},
    "masked-labels": {"loss": {"target": {"ignored_share": 1.0}}},
    "labels-not-signed": {
        "loss": {
            "kind": "soft_margin_loss",
            "target": {"min": 0.0, "max": 1.0, "mean": 0.5, "histogram": None, "classes": None},
        },
    },
    "label-shift": {"happened": [event("labels", {**PLACES, "same_share": 1.0, "next_share": 0.1}, "10/1")]},
    "target-leak": {"happened": [event("labels", {**PLACES, "sight": ["full attention"]}, "10/1")]},
    "stop-token-masked": {
        "happened": [event("labels", {**PLACES, "after_end_labels": 0, "last_label_share": 0.1}, "10/1")]
    },
    "prompt-not-masked": {
        "columns": {"loss": [2.0 + 0.3 * math.exp(-k / 20) for k in range(STEPS)]},
        "happened": [event("labels", {**PLACES, "separated_rows": 96, "separator": 3, "prompt_share": 0.8}, "10/1")],
    },
    "padding-trained": {
        "happened": [
            event(
                "labels",
                PLACES | {"padded_labels": 1800, "padded_alike": 1.0, "padding_elsewhere": 0.0, "padding_lengths": 9},
                "10/1",
            )
        ]
    },
    "partners-misplaced": {
        "happened": [
            event("partners", {"examples": 2048, "right": 14, "other": 641, "expected": 16.0, "order": "halves"})
        ]
    },
    "packing-leak": {"happened": [event("packed-rows", PACKED)]},
    "mask-inverted": {"happened": [event("mask-sides", MASKS)]},
    "timestep-not-given": {
        "happened": [
            event(
                "argument",
                {
                    "batches": 16,
                    "examples": 512,
                    "numbers": 512,
                    "low": 0.0,
                    "high": 0.0,
                    "both_square": 200.0,
                    "input_square": 512.0,
                    "target_square": 512.0,
                    "target_sum": 0.0,
                },
                "t",
            )
        ]
    },
    "ctc-blank-label": {"happened": [event("ctc", {"examples": 100, "target_labels": 400, "blank_labels": 50})]},
    "ctc-not-normalized": {
        "happened": [event("ctc", {"examples": 100, "input_frames": 900, "target_labels": 400, "open_frames": 900})]
    },
    "ctc-infeasible": {
        "happened": [event("ctc", {"examples": 100, "infeasible": 60, "input_frames": 300, "target_labels": 400})]
    },
    "negatives-missing": {
        "loss": {"kind": "binary_cross_entropy_with_logits", "target": {"min": 1.0, "max": 1.0}}
        | {"prediction": {"shape": [32, 1]}}
    },
    "constant-inputs": {"inputs": {"identical_batches": 15}},
    "input-ignored": {"loss": {"prediction": {"batch_spread": 0.0}}, "sample": {"act_spread": [0.0, 0.0, 0.0]}},
    "preprocessing-mismatch": {"checked": {"mean": 25.0, "std": 6.0}, "val": (9.0, 15.0, 20.0, 21.0, 22.0, 22.0)},
    "data-loader-bound": {"columns": {"seconds": 0.05, "wait": 0.04}},
    "slow-step-outliers": {"columns": {"seconds": [0.001 + 0.05 * (i % 15 == 7) for i in range(STEPS)], "wait": 0.0}},
    "memory-growth": {"columns": {"memory": [200 + 0.5 * i for i in range(STEPS)]}},
    "small-batch-underuse": {
        "device": "cuda",
        "columns": {"memory": 4000.0},
        "happened": [event("device", {"busy": 0.2, "memory_total": 80000})],
    },
    "host-sync-stalls": {
        "device": "cuda",
        "tally": {"host_syncs": 5 * STEPS},
        "happened": [event("device", {"busy": 0.7, "sync_share": 0.3})],
    },
    "precision-underuse": {
        "device": "cuda",
        "happened": [event("device", {"busy": 0.9, "capability": 9.0, "matmul_precision": "highest"})],
    },
    "load-imbalance": {"world_size": 2, "happened": [event("ranks", {"step_seconds": [1.0, 1.0, 2.0]})]},
    "stalled-training": {"happened": [event("stall", {"seconds": 4000})]},
}


def test_sound_run(found: Callable[..., set[str]]) -> None:
    """Nothing is found in the run that all faults are put into."""
    assert found(sound()) == set()


@pytest.mark.parametrize("code", FAULTS)
def test_fault(found: Callable[..., set[str]], code: str) -> None:
    """A single fault in a healthy run is found, and nothing else of these families."""
    assert found(sound(**{key: dict(v) if isinstance(v, dict) else v for key, v in FAULTS[code].items()})) == {code}


def test_every_code_has_a_fault(book: Any) -> None:
    """Each rule of these families is tried."""
    codes = {code for code, rule in book.rules.items() if rule.family in FAMILIES and rule.judges_runs} | {
        "zero-gradients"
    }
    assert codes == set(FAULTS)


SPARED: dict[str, Any] = {
    "accumulation with a step every fourth backward": {
        "tally": {"backward": 4 * STEPS, "accumulation": 4, "accumulation_divided": True}
    },
    "accumulation without division that does well": {"tally": {"backward": 4 * STEPS, "accumulation": 4}},
    "one forgotten clearing": {"tally": {"stale_steps": 2}},
    "updates by hand": {"tally": {"step": 0, "manual_updates": True}},
    "a frozen backbone outside of the optimizer": {
        "models": [make_model(("a", "Linear", 8, 64), ("act", "ReLU"), ("b", "Linear", 64, 10), loaded=True)],
        "loss": {"graph": {"parameters": [2, 3]}},
        "optimizers": [make_optimizer(parameters=(2, 3))],
        "sample": {"grad": [None, None, 1.0, 0.1], "update": [0.0, 0.0, 1e-3, 1e-3]},
    },
    "two optimizers": {
        "columns": {"opt": [[0, 1]] * STEPS},
        "optimizers": [make_optimizer(parameters=(0, 1)), make_optimizer("Adam", parameters=(2, 3), id=1)],
    },
    "a bias that never moves": {"sample": {"update": [1e-3, 0.0, 1e-3, 1e-3], "grad": [1.0, 0.0, 1.0, 0.1]}},
    "sigmoid output for targets from 0 to 1": {
        "loss": regression(activation="sigmoid", min=0.0, max=1.0, negative_share=0.0)
    },
    "a linear model of a narrow layer that does its work": {
        "loss": {"graph": {"nonlinear_ops": 0}},
        "models": [make_model(("a", "Linear", 8, 4), ("b", "Linear", 4, 10))],
    },
    "a model that does not care about the mode": {"columns": {"mode": "eval"}},
    "frozen batch norm in a loaded net": {
        "columns": {"mode": "eval"},
        "models": [
            {
                **make_model(
                    ("a", "Linear", 8, 64),
                    ("bn", "BatchNorm1d", {"track_running_stats": True}),
                    ("b", "Linear", 64, 10),
                ),
                "parameters": [
                    {**p, "loaded": True}
                    for p in make_model(("a", "Linear", 8, 64), ("b", "Linear", 64, 10))["parameters"]
                ],
            }
        ],
    },
    "unscaled inputs that do no harm": {"inputs": {"mean": 8.0, "std": 6.0}, "checked": {"mean": 8.0, "std": 6.0}},
    "unscaled inputs that the model scales itself": {
        "inputs": {"mean": 80.0, "std": 60.0},
        "checked": {"mean": 80.0, "std": 60.0},
        **POOR,
    },
    "targets in natural units that do no harm": {
        "loss": regression(mean=250.0, std=20.0, variance=400.0),
        "columns": {"loss": falling(400, 8)},
    },
    "a sequential loader over mixed data": {"loader": {"shuffle": False}},
    "an uneven set whose rare class is found": {"loss": {"target": {"histogram": [950, 50], "classes": 2}}},
    "a run that does not learn at all": POOR,
    "a masked language model": {"loss": {"target": {"ignored_share": 0.85}}},
    "full-batch training": {"inputs": {"identical_batches": 15}, "loader": {"batches": 1}},
    "augmentation that shifts the inputs a little": {
        "checked": {"mean": 0.2, "std": 1.2},
        "val": (2.0, 1.9, 1.9, 2.0, 2.1, 2.2),
    },
    "half a second lost to augmentation": {"columns": {"seconds": 0.006, "wait": 0.004}},
    "random stalls on a busy machine": {
        "columns": {"seconds": (0.001 + 0.05 * (np.random.default_rng(7).random(STEPS) < 0.05)).tolist(), "wait": 0.0}
    },
    "checkpoints once an epoch": {"happened": [event("checkpoint", {"seconds": 0.01})] * 6},
    "a replay buffer that fills": {"columns": {"memory": [200 + min(0.5 * i, 30.0) for i in range(STEPS)]}},
    "one reading of the loss in each step": {
        "device": "cuda",
        "tally": {"host_syncs": STEPS},
        "happened": [event("device", {"busy": 0.9, "sync_share": 0.01})],
    },
}


@pytest.mark.parametrize("story", SPARED)
def test_spared(found: Callable[..., set[str]], story: str) -> None:
    """What looks odd and is right is not reported."""
    assert found(sound(**{key: dict(v) if isinstance(v, dict) else v for key, v in SPARED[story].items()})) == set()
