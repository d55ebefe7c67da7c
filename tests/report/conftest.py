"""Diagnoses to tell: a broken run, a healthy one, and one too short to judge."""

from __future__ import annotations

from typing import Any

import pytest

from trainadvisor.document import Diagnosis

RUN = {"log": "log.json", "steps": 1200, "planned_steps": 3910, "seed": 0, "torch": "2.13.0", "device": "cpu"}


def finding(code: str, severity: str, sentence: str, **more: Any) -> dict[str, Any]:
    """Return a finding as a dictionary, with what a test does not care about filled in."""
    base = {"family": "optimization", "kind": "cause", "confidence": "certain", "title": f"Title of {code}"}
    return {**base, "code": code, "severity": severity, "sentence": sentence, **more}


LR_TOO_HIGH = finding(
    "lr-too-high",
    "error",
    "updates are about 10x too large",
    title="The learning rate is too high",
    where="optimizer SGD, lr 0.03 constant, created at train.py:41",
    sites=[{"file": "train.py", "line": 41}],
    onset=560,
    evidence=[
        {"condition": "a > b", "values": {"a": 0.041}, "text": "update/weight: median 4.1e-2 (usual 1e-4..1e-2)"},
        {"condition": "c > d", "values": {"c": 610}, "text": "gradient norm: 0.8 (step 560) -> 610 (step 1169)"},
    ],
    cause="each step moves the weights too far, so the loss surface is overshot and errors feed back",
    ruled_out=[{"code": "nan-inputs", "text": "0 found"}, {"code": "amp-overflow", "text": "AMP is off"}],
    remedies=[
        {
            "change": "lr",
            "arguments": {"value": 0.003},
            "applies": "paste",
            "text": "lower the learning rate to 0.003",
            "where": "train.py:41",
            "code": "- optimizer = torch.optim.SGD(model.parameters(), lr=0.03, momentum=0.9)\n"
            "+ optimizer = torch.optim.SGD(model.parameters(), lr=0.003, momentum=0.9)",
            "edits": [
                {
                    "file": "train.py",
                    "line": 41,
                    "old": "optimizer = torch.optim.SGD(model.parameters(), lr=0.03, momentum=0.9)",
                    "new": "optimizer = torch.optim.SGD(model.parameters(), lr=0.003, momentum=0.9)",
                }
            ],
        },
        {
            "change": "clip",
            "arguments": {"value": 1.0},
            "applies": "try",
            "text": "keep lr and add before optimizer.step():",
            "code": "torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)",
        },
    ],
    verify="update/weight stays below 1e-2 and the loss below 0.37",
    explains=[
        finding(
            "divergence",
            "error",
            "the loss grew",
            onset=880,
            explains=[finding("nan-loss", "error", "the loss is NaN", onset=1170)],
        ),
        finding("exploding-gradients", "error", "gradients grew"),
    ],
)
LOADER = finding(
    "data-loader-bound",
    "warning",
    "61 % of each step waits for data",
    confidence="likely",
    cause="the loader works only while the model waits",
    remedies=[
        {
            "change": "workers",
            "arguments": {"value": 4},
            "applies": "adapt",
            "text": "DataLoader(..., num_workers=4, persistent_workers=True)",
        }
    ],
)
UNKNOWN = [
    {"code": "amp-overflow", "missing": [], "how": "AMP is off"},
    {"code": "amp-underflow", "missing": [], "how": "AMP is off"},
    {"code": "underfitting", "missing": ["val_loss_final"], "how": "evaluations on held-out data"},
]


@pytest.fixture
def broken() -> Diagnosis:
    """A run with one error, its consequences, a warning and a note."""
    note = finding("undertrained", "note", "the loss was still falling", confidence="possible")
    return Diagnosis.model_validate(
        {
            "state": "broken",
            "summary": "training diverged because the learning rate is too high.",
            "run": RUN,
            "findings": [LR_TOO_HIGH, LOADER, note],
            "clear": ["vanishing-gradients", "dead-relu", "overfitting"],
            "unknown": UNKNOWN,
        }
    )


@pytest.fixture
def healthy() -> Diagnosis:
    """A run that learned, with every figure recorded."""
    facts = {
        "loss_first": 2.31,
        "loss_final": 0.18,
        "val_loss_final": 0.24,
        "val_loss_best": 0.24,
        "val_accuracy_final": 0.971,
        "trivial_loss": 2.3026,
        "val_noise": 0.008,
        "best_eval": 10,
        "evals": 10,
        "grad_norm_low": 0.6,
        "grad_norm_high": 2.4,
        "tensors": 62,
        "tensors_reached": 62,
        "grad_depth_ratio": 14,
        "update_ratio_median": 0.0013,
        "dead_unit_share_worst": 0.03,
        "saturated_share_worst": 0.0,
        "generalization_gap": 0.06,
        "step_seconds": 0.046,
        "wait_share": 0.08,
        "memory": 512,
    }
    note = finding("undertrained", "note", "validation was still improving at the end", confidence="possible")
    return Diagnosis.model_validate(
        {
            "state": "healthy",
            "summary": "training converged normally; nothing needs changing.",
            "run": {**RUN, "steps": 3910, **facts},
            "findings": [note],
            "clear": ["vanishing-gradients", "dead-relu", "overfitting"],
            "unknown": UNKNOWN[:2],
        }
    )


@pytest.fixture
def unsure() -> Diagnosis:
    """A run of forty steps."""
    return Diagnosis.model_validate(
        {
            "state": "cannot-tell",
            "summary": "40 steps recorded; 3 of 6 checks need at least 100. The other 3 passed.",
            "run": {**RUN, "steps": 40, "planned_steps": None},
            "clear": ["dead-relu"],
            "unknown": UNKNOWN,
        }
    )
