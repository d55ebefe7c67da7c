"""What a training does not have, and the rules that therefore do not apply to it."""

from pathlib import Path
from typing import Any

import pytest
from builders import event, log_of, make_model, make_optimizer, parameter

from trainadvisor.judge.assembly import judge_log
from trainadvisor.judge.rule_loading import load
from trainadvisor.signals.absences import ABSENCES
from trainadvisor.signals.context import contexts

STEPS = [{"step": n, "loss": 1.0 / (n + 1)} for n in range(30)]
TABLE = {**make_model(), "parameters": [parameter(0, "table.weight", [50, 8], role="embedding")]}
HAVING: dict[str, dict[str, Any]] = {
    "no-twin": {"events": [event("twin", {"twin": 1})]},
    "no-evaluated-copy": {"events": [event("evaluated-copy", {"copy": 1})]},
    "no-optimizer-modes": {"events": [event("optimizer-mode", {"optimizer": 0, "evaluations": 1, "wrong": 0})]},
    "no-epoch-sampler": {"events": [event("sampler-epochs", {"loader": 0})]},
    "no-equal-streams": {"events": [event("worker-copies", {"loader": 0, "workers": 2, "compared": 4, "same": 0})]},
    "no-layers": {"models": [make_model(("fc", "Linear", 4, 2))]},
    "no-optimizer": {"optimizers": [make_optimizer()]},
    "no-loader": {"loaders": [{"id": 0, "role": "train"}]},
    "no-schedule": {"schedulers": [{"id": 0, "class": "OneCycleLR", "facts": {}}]},
    "no-weighed-answers": {"steps": [{**step, "factor_zero": 0.0} for step in STEPS]},
}


@pytest.mark.parametrize("word", ABSENCES)
def test_a_subject_is_absent_where_the_recorder_saw_none(tmp_path: Path, word: str) -> None:
    """A log of another tool leaves that open."""
    assert word in contexts(log_of(tmp_path, steps=STEPS, models=[TABLE]))
    assert word not in contexts(log_of(tmp_path, **{"steps": STEPS, "models": [TABLE], **HAVING[word]}))
    assert word not in contexts(log_of(tmp_path, steps=STEPS, models=[TABLE], source="import:csv"))


def test_nobody_misses_a_check_of_what_a_training_does_not_have(tmp_path: Path) -> None:
    """It is neither fine nor unchecked; beside such a subject it is one of both."""
    without, beside = (
        judge_log(log_of(tmp_path, steps=STEPS, schedulers=found), load())
        for found in ([], [{"id": 0, "class": "CosineAnnealingLR", "facts": {}}])
    )
    told = [{*judged.clear, *(entry.code for entry in judged.unknown)} for judged in (without, beside)]
    assert [("scheduler-step-count" in codes) for codes in told] == [False, True]
