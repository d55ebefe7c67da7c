"""What a training does not have, and the rules that therefore do not apply to it."""

from pathlib import Path
from typing import Any

import pytest
from builders import event, log_of, make_loss, make_model, make_optimizer, parameter

from trainadvisor.judge.assembly import judge_log
from trainadvisor.judge.rule_loading import load
from trainadvisor.signals.absences import ABSENCES
from trainadvisor.signals.context import contexts

STEPS = [{"step": n, "loss": 1.0 / (n + 1)} for n in range(30)]
TABLE = {**make_model(), "parameters": [parameter(0, "table.weight", [50, 8], role="embedding")]}
LOSS = make_loss("custom", {}, {})
ROWS = [
    {"name": name, "kind": kind, "layer": "fc"}
    for name, kind in (("fc", "linear"), ("fc.act", "gelu"), ("out", "linear"))
]
NOTHING: dict[str, Any] = {
    "events": [event("table", {"id": 0, "model": 0, "rows": ROWS})],
    "steps": STEPS,
    "models": [TABLE],
    "losses": [LOSS],
    "layers": [{"step": n, "table": 0, "act_rms": [1.0] * 3} for n in range(30)],
}
EXPERTS = [("router", "Linear", 4, 3), *((f"experts.{n}.0", "Linear", 4, 4) for n in range(3))]
CALLED = [{"name": f"experts.{n}.0", "kind": "linear", "layer": f"experts.{n}.0"} for n in range(3)]
SAMPLED = [{"step": n, "grad": [1.0] * 8, "table": 0, "act_rms": [1.0] * 3} for n in range(30)]
TIME = {"batches": 4, "examples": 64, "numbers": 64, "low": 0, "high": 9}


def _tables(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {"events": [event("table", {"id": 0, "model": 0, "rows": rows})]}


def _hidden(kind: str) -> dict[str, Any]:
    return _tables([ROWS[0], {**ROWS[1], "kind": kind}, ROWS[2]])


def _with(*layers: tuple[Any, ...], **facts: Any) -> dict[str, Any]:
    return {"models": [{**make_model(*layers), **facts}]}


# What only an optimizer can have or lack.
OF_OPTIMIZERS = {"no-adaptive-optimizer", "no-weight-decay"}
# What a run has that has the subject of each word.
HAVING: dict[str, dict[str, Any]] = {
    "no-twin": {"events": [event("twin", {"twin": 1})]},
    "no-evaluated-copy": {"events": [event("evaluated-copy", {"copy": 1})]},
    "no-optimizer-modes": {"events": [event("optimizer-mode", {"optimizer": 0, "evaluations": 1, "wrong": 0})]},
    "no-epoch-sampler": {"events": [event("sampler-epochs", {"loader": 0})]},
    "no-equal-streams": {"events": [event("worker-copies", {"loader": 0, "workers": 2, "compared": 4, "same": 0})]},
    "no-packed-rows": {
        "events": [
            event(
                "packed-rows",
                {"borders": 2, "attentions": 2, "crossing": 0, "cut": 2, "told_by": "ids", "marked_share": 1.0},
            )
        ]
    },
    "no-masks": {
        "events": [
            event(
                "mask-sides",
                dict.fromkeys(("right", "inverted", "cut_rows", "shown", "hidden", "lengths", "ids"), 1)
                | {"on": "loss"},
            )
        ]
    },
    "no-pooled-places": {
        "events": [event("pooled-padding", {"places": 9, "padding": 0, "elsewhere": 0, "lengths": 1})]
    },
    "nothing-printed": {"events": [event("figures-printed", {"held_out": {"val acc": 0.5}})]},
    "no-resume": {"events": [event("resume")]},
    "no-autocast": {"events": [event("autocast", {"dtype": "bfloat16"})]},
    "no-layers": _with(("fc", "Linear", 4, 2)),
    "no-optimizer": {"optimizers": [make_optimizer()]},
    "no-adaptive-optimizer": {"optimizers": [make_optimizer("Adam")]},
    "no-weight-decay": {"optimizers": [make_optimizer(weight_decay=0.01)]},
    "no-loader": {"loaders": [{"id": 0, "role": "train"}]},
    "no-schedule": {"schedulers": [{"id": 0, "class": "OneCycleLR", "facts": {}}]},
    "no-weighed-answers": {"steps": [{**step, "factor_zero": 0.0} for step in STEPS]},
    "no-clipping": {"steps": [{**step, "clip_max": 1.0} for step in STEPS]},
    "no-policy-ratio": {"steps": [{**step, "policy_own_ratio_gap": 0.1} for step in STEPS]},
    "no-preference": {"steps": [{**step, "preference_margin": 0.1} for step in STEPS]},
    "no-scaler": {"steps": [{**step, "scale": 1024.0} for step in STEPS]},
    "no-accumulation": {"steps": [{**step, "micro": 4} for step in STEPS]},
    "no-ctc": {"losses": [make_loss("ctc_loss")]},
    "no-binary-labels": {"losses": [make_loss("binary_cross_entropy_with_logits")]},
    "no-signed-labels": {"losses": [make_loss("margin_ranking_loss")]},
    "no-pairs": {"losses": [make_loss("triplet_margin_loss")]},
    "no-regression": {"losses": [make_loss("mse_loss")]},
    "no-accelerator": {"device": "cuda"},
    "no-processes": {"world_size": 2},
    "no-loads": {"models": [{**TABLE, "parameters": [{**TABLE["parameters"][0], "loaded": True}]}]},
    "no-half-precision": {"models": [{**TABLE, "parameters": [{**TABLE["parameters"][0], "dtype": "bfloat16"}]}]},
    "no-reference": {"models": [TABLE, make_model(("fc", "Linear", 4, 2), id=1)]},
    "no-attention": _with(("mixer", "MultiheadAttention", 4, 4)),
    "no-dropout": _with(("drop", "Dropout", {"p": 0.1})),
    "no-mode-layers": _with(("norm", "BatchNorm1d", {})),
    "no-codebook": {
        "events": [
            event("codebook", dict.fromkeys(("parameter", "entries", "looks", "chosen", "used"), 1) | {"even": False})
        ]
    },
    "no-token-labels": {"events": [event("labels", {"labels": 40})]},
    "no-timestep": {
        "events": [event("argument", TIME | {"target_square": 64, "both_square": 1, "input_square": 64}, "t")]
    },
    "no-experts": {**_with(*EXPERTS), "layers": SAMPLED, **_tables(CALLED)},
    "no-rectifiers": _hidden("relu"),
    "no-squashing": _hidden("tanh"),
}


@pytest.mark.parametrize("word", ABSENCES)
def test_a_subject_is_absent_where_the_recorder_saw_none(tmp_path: Path, word: str) -> None:
    """A log of another tool leaves that open."""
    missing = {"optimizers": [make_optimizer()]} if word in OF_OPTIMIZERS else {}
    assert word in contexts(log_of(tmp_path, **NOTHING, **missing))
    assert word not in contexts(log_of(tmp_path, **{**NOTHING, **missing, **HAVING[word]}))
    assert word not in contexts(log_of(tmp_path, **NOTHING, **missing, source="import:csv"))


def test_nobody_misses_a_check_of_what_a_training_does_not_have(tmp_path: Path) -> None:
    """It is neither fine nor unchecked; beside such a subject it is one of both."""
    without, beside = (
        judge_log(log_of(tmp_path, steps=STEPS, schedulers=found), load())
        for found in ([], [{"id": 0, "class": "CosineAnnealingLR", "facts": {}}])
    )
    told = [{*judged.clear, *(entry.code for entry in judged.unknown)} for judged in (without, beside)]
    assert [("scheduler-step-count" in codes) for codes in told] == [False, True]


def test_a_rule_does_not_apply_where_what_its_signals_are_about_is_absent(tmp_path: Path) -> None:
    """Without a CTC loss no check of one is fine or missed: it is named apart, with what the training lacks."""
    other, own = (
        judge_log(log_of(tmp_path, steps=STEPS, losses=[make_loss(kind)]), load()) for kind in ("nll_loss", "ctc_loss")
    )
    apart = [{entry.code: entry.reason for entry in judged.inapplicable} for judged in (other, own)]
    assert [reasons.get("ctc-infeasible") for reasons in apart] == ["no-ctc", None]
    assert "ctc-infeasible" not in {*other.clear, *(entry.code for entry in other.unknown)}
    assert "ctc-infeasible" in {*own.clear, *(entry.code for entry in own.unknown)}
