"""Judges every training of a process by itself; the verdict is that of the worst."""

from dataclasses import replace
from typing import Any

from trainadvisor.judge.assembly import judge_log
from trainadvisor.judge.judgement import Judgement, Remark
from trainadvisor.judge.object_sites import main_optimizer
from trainadvisor.judge.rulebook import Rulebook
from trainadvisor.log.reader import RunLog
from trainadvisor.log.training_views import trainings


def judge_trainings(log: RunLog, rulebook: Rulebook) -> Judgement:
    """Return the judgement on the worst training of a log, with what became of the others."""
    views = trainings(log)
    judged = [judge_log(view, rulebook) for view in views]
    if len(judged) == 1:
        return judged[0]
    judged = [_with_siblings(place, views, judged, rulebook) for place in range(len(views))]
    phases = [_phase(view, judgement) for view, judgement in zip(views, judged, strict=True)]
    # of equally bad ones the one that is judged in a log of one training: the last with a fair share of the steps
    worst = max(range(len(judged)), key=lambda place: (judged[place].state.rank, views[place].phase == log.phase))
    chosen = judged[worst]
    run = {**chosen.run, "phase": worst + 1, "phases": phases}
    remark = Remark("phases", {"phase": worst + 1, "phases": phases})
    return replace(chosen, run=run, notes=(remark, *chosen.notes))


def _with_siblings(place: int, views: list[RunLog], judged: list[Judgement], rulebook: Rulebook) -> Judgement:
    """Return a judgement that takes over what decides from trainings of the same lines, as of another fold.

    Few steps of a late fold are sampled; whether gradients reach its weights was seen in the first.
    """
    if not any(reason.kind == "deciding" for reason in judged[place].reasons):
        return judged[place]
    others = [other for n, other in enumerate(judged) if n != place and _lines(views[n]) == _lines(views[place])]
    return judge_log(views[place], rulebook, frozenset(code for other in others for code in other.clear))


def _lines(view: RunLog) -> tuple[Any, ...]:
    """Return the lines that make the model and the optimizer of a training, and the shapes of the weights."""
    model, optimizer = view.model or {}, main_optimizer(view) or {}
    shapes = [parameter["shape"] for parameter in model.get("parameters", [])]
    return model.get("site"), optimizer.get("site"), shapes


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
