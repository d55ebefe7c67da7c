"""Judges every training of a process by itself; the verdict is that of the worst."""

from dataclasses import replace
from typing import Any

from trainadvisor.judge.assembly import judge_log
from trainadvisor.judge.judgement import Judgement, Remark
from trainadvisor.judge.object_sites import main_optimizer
from trainadvisor.judge.rulebook import Rulebook
from trainadvisor.log.reader import RunLog
from trainadvisor.log.training_views import trainings
from trainadvisor.vocabulary import State

# Reasons for doubt that samples would have settled: the budget of recording was spent on the trainings before.
UNSAMPLED = frozenset({"deciding", "coverage"})
# What trainings of the same lines share.
LINES = ("model", "optimizer", "site")


def judge_trainings(log: RunLog, rulebook: Rulebook) -> Judgement:
    """Return the judgement on the worst training of a log, with what became of the others."""
    views = trainings(log)
    judged = [judge_log(view, rulebook) for view in views]
    if len(judged) == 1:
        return judged[0]
    phases = [_phase(view, judgement) for view, judgement in zip(views, judged, strict=True)]
    # of equally bad ones the one that is judged in a log of one training: the last with a fair share of the steps
    asked = [place for place in range(len(judged)) if not is_repeated(place, phases, judged)]
    worst = max(asked, key=lambda place: (judged[place].state.rank, views[place].phase == log.phase))
    chosen = judged[worst]
    run = {**chosen.run, "phase": worst + 1, "phases": phases}
    remark = Remark("phases", {"phase": worst + 1, "phases": phases})
    return replace(chosen, run=run, notes=(remark, *chosen.notes))


def is_repeated(place: int, phases: list[dict[str, Any]], judged: list[Judgement]) -> bool:
    """Return whether a training lacks samples alone, and the same lines trained a sound model that was sampled."""
    own = judged[place]
    if own.state is not State.CANNOT_TELL or any(reason.kind not in UNSAMPLED for reason in own.reasons):
        return False
    same = [other for other, phase in enumerate(phases) if all(phase[k] == phases[place][k] for k in LINES)]
    return any(judged[other].state is State.HEALTHY for other in same)


def _phase(view: RunLog, judgement: Judgement) -> dict[str, Any]:
    """Return what names a training, and what became of it."""
    optimizer = main_optimizer(view) or {}
    site = optimizer.get("site") or {}
    return {
        "first": view.phase.first,
        "last": view.phase.last,
        "model": (view.model or {}).get("name"),
        "optimizer": optimizer.get("class"),
        "site": f"{site['file']}:{site['line']}" if site.get("file") else None,
        "state": str(judgement.state),
        "codes": [finding.code for finding in judgement.findings],
    }
