"""Diagnoses with everything in them that a report can show, for whole renderings."""

from __future__ import annotations

from typing import Any

from report.conftest import LOADER, LR_TOO_HIGH, RUN, UNKNOWN, finding

from trainadvisor.document import Diagnosis

VERIFIED = {
    "better": True, "text": "accuracy 0.97 against 0.11, 3 of 3 seeds", "metric": "accuracy", "before": 0.11,
    "after": 0.97, "interval": [0.8, 0.92], "seeds": 3, "wins": 3,
    "curves": {"before": [[[0, 2.3], [5, 2.4], [9, 2.3]]], "after": [[[0, 2.3], [5, 0.8], [9, 0.1]], [[0, 2.2]]]},
}  # fmt: skip
IN_VAIN = {"better": False, "text": "no better", "outcome": "no-better", "metric": "loss", "before": "NaN",
           "after": 0.12, "gain": 0.01}  # fmt: skip
SUBJECTS = [f"encoder.{number}.weight" for number in range(15)]
GRADIENTS = finding(
    "vanishing-gradients",
    "error",
    "the first layers receive a ten thousandth of the gradient of the last",
    family="gradients",
    confidence="likely",
    where="model Net, 15 of 17 layers",
    subjects=SUBJECTS,
    onset=0,
    evidence=[
        {"condition": "grad_depth_ratio < 1e-3", "values": {"grad_depth_ratio": 0.000123456, "steps": 1200, "by": "x"},
         "text": "gradient of the first over the last layer: 1.2e-4"},
        {"condition": "steps > 100", "values": {"steps": 1200}, "text": ""},
    ],
    cause="each sigmoid passes on a quarter of the gradient at most",
    ruled_out=[{"code": "dead-relu", "text": "no ReLU"}, {"code": "frozen", "text": "no ReLU"}],
    not_judged=[{"code": "bad-init", "missing": ["init_std"], "how": "record the initialization"},
                {"code": "no-skip", "missing": [], "how": "the model is not known"}],
    also_explained_by=["deep-sigmoid", "tanh-saturation"],
    rival={"code": "lr-too-low", "test": "raise the rate tenfold: with vanishing gradients nothing changes"},
    remedies=[
        {"change": "activation", "arguments": {"to": "relu"}, "applies": "redesign", "text": "use ReLU",
         "where": "net.py:7", "code": "self.act = nn.ReLU()", "verified": VERIFIED},
        {"change": "norm", "arguments": {}, "applies": "adapt", "text": "add LayerNorm", "verified": IN_VAIN},
        {"change": "skip", "arguments": {}, "applies": "try", "text": "add skip connections", "verified": VERIFIED},
    ],
    verify="the ratio rises above 1e-2",
    explains=[finding("slow-start", "warning", "the loss moved late", onset=12345)],
)  # fmt: skip
SEEN = finding("slow-steps", "warning", "every 100th step takes 40 times as long", family="throughput",
               also_seen=True, confidence="possible", sites=[{"file": "train.py", "line": 60}],
               evidence=[{"condition": "x", "values": {"wait_share": 0.5}, "text": "0.5 of the time"}])  # fmt: skip
NOTES = [finding(f"note-{number}", "note", f"remark {number}", title=f"Remark {number}") for number in range(3)]


def rich() -> Diagnosis:
    """Return a broken run with every part that a finding can have, more of each than is shown."""
    errors = [LR_TOO_HIGH, GRADIENTS]
    errors += [finding(f"fault-{number}", "error", f"fault {number} was found") for number in range(3)]
    reasons = ["AMP is off", "no validation", "too short", "imported from curves", "one device"]
    unknown = [
        {"code": f"check-{number}", "missing": ["val_loss"] if number % 3 else [], "how": reasons[number % 5]}
        for number in range(11)
    ]
    run = {**RUN, "script": "train.py", "created": "2026-01-01T00:00:00", "python": "3.11", "device_name": "cpu",
           "loss_curve": [[step, 2.0 / (1 + step % 7)] for step in range(0, 1200, 40)], "val_noise": 0.02}  # fmt: skip
    return Diagnosis.model_validate({
        "state": "broken", "summary": "training fails for two reasons.", "run": run,
        "findings": [*errors, LOADER, SEEN, *NOTES], "clear": ["dead-relu", "overfitting"], "unknown": unknown,
        "notes": ["one", "two", "three"],
    })  # fmt: skip


def attention() -> Diagnosis:
    """Return a run with warnings only, at the steps it was planned for."""
    many = [finding(f"warn-{number}", "warning", f"warning {number}", onset=number) for number in range(5)]
    return Diagnosis.model_validate({
        "state": "needs-attention", "summary": "training works and wastes time.",
        "run": {**RUN, "planned_steps": 1200, "log": "runs/a,b.json"}, "findings": [LOADER, *many, *NOTES[:1]],
        "clear": ["dead-relu"], "unknown": UNKNOWN,
    })  # fmt: skip


def doubtful() -> Diagnosis:
    """Return a run that cannot be told, with what speaks against it and what would decide."""
    reasons: list[dict[str, Any]] = [
        {"code": "no-drop", "text": "the loss did not fall", "decides": ["train for 200 steps", "lower the rate"]},
        {"code": "no-val", "text": "nothing was held out", "decides": ["evaluate", "train for 200 steps"]},
        {"code": "dead", "text": "a third of the units are silent", "decides": []},
    ]
    facts = {"loss_first": 2.31, "loss_final": 2.29, "grad_depth_ratio": 0.002, "step_seconds": 0.0004,
             "dead_unit_share_worst": 0.333, "wait_share": 0.004, "memory": 123456.7}  # fmt: skip
    return Diagnosis.model_validate({
        "state": "cannot-tell", "summary": "the loss did not fall.", "run": {**RUN, "seed": None, **facts},
        "reasons": reasons, "findings": NOTES[:2], "clear": ["dead-relu"], "unknown": UNKNOWN,
    })  # fmt: skip
