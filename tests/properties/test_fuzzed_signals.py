"""Signals of logs whose values are anything that a log may hold: absent or finite, never an error."""

import copy
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import build_log, event, make_loss, make_model, make_optimizer

from trainadvisor.log.reader import read_log
from trainadvisor.signals import Signals
from trainadvisor.signals.context import contexts

STEPS, LOGS = 40, 60
ANYTHING = (
    None,
    "nan",
    "inf",
    "-inf",
    "word",
    -1,
    0,
    1,
    1e300,
    -1e-300,
    0.5,
    True,
    [],
    {},
    [1, "nan"],
    {"a": 1},
    2**60,
)
TARGET = {"histogram": [10] * 4, "classes": 4, "shape": [32], "integer": True, "mean": 1.5, "std": 1.0, "variance": 1.0}
PREDICTION = {"shape": [32, 4], "batch_spread": 0.5, "std": 0.6, "mean": 0.0, "batches": 9, "min": -2.0, "max": 2.0}
ROWS = [{"name": name, "kind": kind, "layer": name} for name, kind in (("a", "linear"), ("b", "relu"), ("c", "linear"))]


def told() -> list[dict[str, Any]]:
    """Return an event of each kind that tells a single fact, as the probes write it."""
    labels = {"labels": 4000, "same_share": 0.1, "next_share": 1.0, "second_share": 0.1, "sources": 1, "straight": True,
              "sight": ["causal attention"], "ends": 64, "after_end_share": 1.0, "after_end": 2, "after_end_labels": 0,
              "last_label_share": 0.1, "label_counts": 5}  # fmt: skip
    copied = {"compared": 99, "varying": 1, "targets": 1, "columns": 8, "equal": 1, "line": 1, "column": 3}
    rows = {"looked_at": 64, "times": 5, "found": 64, "same_examples": 1.0, "pairs": 9, "equal": 1, "trained_rows": 64,
            "by_loader": True, "whole_batches": 0, "new_batches": 0, "training_loader": False, "calls": 10,
            "word": "held-out", "in_train_mode": 10, "after": 40, "layers": ["drop"]}  # fmt: skip
    axes = {
        "calls": 2,
        "batch_first": False,
        "attention": True,
        "rows": [
            {"loader": 32, "time": 32, "batch": 20, "input_shape": [32, 20], "output_shape": [32], "target_shape": [32]}
        ],
    }
    twin = {"twin": 1, "first": 0, "last": 39, "called": 40, "looked": 5, "others": 5, "changed": False, "alike": [0],
            "then": [0]}  # fmt: skip
    copy_seen = {"copy": 1, "of": 0, "original_rounds": 0, "still": False, "copied": True, "statistics_still": True,
                 "statistics_move": True, "lag": 0.02, "rounds": 9}  # fmt: skip
    return [
        event("labels", labels, "0/0"), event("targets-in-inputs", copied, "0"),
        event("shared-rows", rows, "evaluation 0"),
        event("pooled-padding", {"places": 80, "padding": 30, "elsewhere": 0, "lengths": 4}),
        event("sequence-axes", axes, "lstm"), event("twin", twin, "model"), event("evaluated-copy", copy_seen, "model"),
        event("ctc", {"infeasible": 40, "examples": 64, "input_frames": 640, "target_labels": 1280, "blank_labels": 0}),
        event("state-load", {"into": 0, "copied_share": 0.1, "used_share": 0.1, "lost_share": 0.9, "copied": 1,
                             "keys": 9, "missing": ["a"], "unexpected": ["b"], "strip": "module.", "reshaped": 1}),
        event("self-reference", {"looked": 10, "equal": 10, "zero": 10}),
        event("nonfinite-gradients", {"count": 9, "points": 40}, "grad_norm"),
        event("kept-weights", {"taken": 5, "used": 9}),
        event("plain-models", {"examples": 900, "tested": 450, "linear": 0.5, "nearest": 0.9}, "mse_loss"),
        event("loss-term", {"of": 0, "number": 0, "rounds": 3, "lost": 3, "share": 0.5, "norm": 1.0}, "mse_loss"),
        event("crossed-shapes", {"op": "MulBackward0", "shapes": [[32], [32, 1]]}, "MulBackward0"),
        event("softmax-axis", {"over": "batch", "dim": 0, "shape": [32, 10]}), event("mean-divided", {"by": 32}),
        event("divided-twice", {"by": 16}), event("divided-by-one"),
        event("moved-axes", {"viewed": [32, 28, 28, 3], "shape": [32, 3, 28, 28]}), event("raw-overlap"),
        event("clamped-outputs"),
        event("sampler-epochs", {"loader": 0, "passes": 10, "different": 1, "sampler": "DistributedSampler"}),
        event("optimizer-anew", {"first": 0, "optimizer": 0, "made": 9, "steps": 40, "forgetful": 8, "firsts": [5, 9]}),
        event("broken-passes", {"loader": 0, "passes": 5, "most": 3, "batches": 30}),
        event("worker-copies", {"loader": 0, "workers": 2, "compared": 6, "same": 6}),
        event("optimizer-mode", {"optimizer": 0, "evaluations": 8, "wrong": 8}, "AdamWScheduleFree"),
        event("eval-dropout", {"passes": 9, "dropped": 9, "repeated": 0, "function": "dropout"}, "F.dropout"),
        event("argument", {"batches": 9, "constant": True, "value": 0.0, "shape": [32]}, "t"),
        event("mask-sides", {"looks": 8, "right": 0, "inverted": 16, "on": "attention", "cut_rows": 256, "shown": 1592,
                             "hidden": 1992, "lengths": 11, "ids": 1}),
        event("packed-rows", {"told_by": "position_ids", "borders": 96, "attentions": 8, "crossing": 8, "cut": 0,
                              "marked_share": 1.0}),
        event("resume", {"optimizer": True, "loss": 0.4}, step=30),
        event("written-fault", {"sites": [{"file": "a.py", "line": 5, "code": "x = 1"}], "parts": [["call", "f(x)"]]},
              "preprocessing-mismatch"),
        event("unused-parameters", {"tensors": 6, "held": 10, "share": 0.3}, "0"),
        event("late-clip", {"limit": 0.5}), event("optimizer-attribute", {"optimizer": 0, "value": 0.1, "used": [1.0]}),
        *(event("contract", {"state": "failed", "figures": {"touched": 3, "share": 0.5}}, test)
          for test in ("independence", "causality", "determinism")),
    ]  # fmt: skip


def parts() -> dict[str, Any]:
    """Return a small run with something of everything."""
    loss = np.linspace(1.4, 0.3, STEPS).tolist()
    seen = {"phase": "train", "model": 0, "shape": [32, 8], "mean": 0.0, "std": 1.0, "batches": 9, "examples": 288}
    return {
        "columns": {"loss": loss, "loss_id": 0, "grad_norm": 1.0, "lr": 0.1, "batch": 32, "micro": 1, "seconds": 0.01},
        "models": [make_model(("a", "Linear", 8, 16), ("b", "ReLU"), ("c", "Linear", 16, 4))],
        "optimizers": [make_optimizer("Adam", parameters=range(4), betas=[0.9, 0.999], eps=1e-8, weight_decay=0.0)],
        "losses": [make_loss(target=TARGET, prediction=PREDICTION), make_loss("mse_loss", id=1, reduction="sum")],
        "loaders": [{"id": 0, "examples": 288, "batch_size": 32, "shuffle": True, "workers": 0}],
        "layers": [{"table": 0, **{f"act_{n}": [0.5] * 3 for n in ("spread", "std", "rms", "max", "dead", "saturated")},
                    **{n: [0.1] * 4 for n in ("grad", "weight", "update")}, "alpha": 0.5}] * 12,
        "evals": [{"step": n, "loss": 1.0 / n, "losses": {"0": 1.0 / n}, "metrics": {"accuracy": 0.5}, "examples": 99,
                   "batches": 3, "mode": "eval", "care": True} for n in range(1, STEPS, 5)],
        "events": [event("table", {"id": 0, "model": 0, "rows": ROWS}), event("inputs", seen, subject="train"),
                   event("tally", {"step": STEPS, "backward": STEPS, "forward": 50, "train_forward": STEPS}),
                   event("resume", {"optimizer": True, "loss": 1.0}, step=9), event("nonfinite", step=30), *told()],
    }  # fmt: skip


def places(value: Any) -> list[tuple[Any, Any]]:
    """Return each place of a nested value as its holder and its key."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else []
    return [place for key in keys for place in ((value, key), *places(value[key]))]


def spoiled(chance: random.Random) -> dict[str, Any]:
    """Return the run with some of its values replaced by anything or taken away."""
    run = copy.deepcopy(parts())
    for holder, key in chance.sample(places(run), chance.choice([1, 3, 12, 40])):
        whole = holder is run or any(holder is part for part in run.values())
        protected = whole or key in ("id", "record", "step", "kind")
        if not protected and (key in holder if isinstance(holder, dict) else key < len(holder)):
            holder[key] = copy.deepcopy(chance.choice(ANYTHING))
    return run


@pytest.mark.parametrize("seed", range(LOGS))
def test_signals_of_a_spoiled_log_raise_nothing(tmp_path: Path, seed: int) -> None:
    """No signal and no context fails; what is there is finite."""
    log = read_log(build_log(tmp_path, **spoiled(random.Random(seed))))  # noqa: S311 - the same logs in each run
    signals = Signals(log)
    contexts(log)
    values = {name: signals[name] for name in signals}
    assert signals.notes == []
    assert all(np.isfinite(value) for value in values.values() if isinstance(value, float))


def test_the_run_itself_has_signals(tmp_path: Path) -> None:
    """Unspoiled, it determines most of them."""
    signals = Signals(read_log(build_log(tmp_path, **parts())))
    assert sum(signals[name] is not None for name in signals) > 100
    assert signals.notes == []
