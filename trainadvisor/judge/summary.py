"""The state of a run and its one-sentence summary."""

from typing import Any

from trainadvisor.judge.result import Finding
from trainadvisor.vocabulary import Severity, State

FEWEST_STEPS = 20
SEEN_FIRST = ("convergence", "numerics", "generalization", "throughput")
MUCH = 0.3
LEARNT = 0.1
"""Skill below which a run without findings is not called healthy: nine tenths of what can be learnt are missing."""
PROPER = ("Adam", "AdamW", "PyTorch")

SENTENCES = {
    "because": {"en": "{effect} because {cause}.", "zh": "{cause}，{effect}。"},
    "alone": {"en": "{cause}.", "zh": "{cause}。"},
    "improved": {"en": "training converged normally; nothing needs changing.", "zh": "训练正常收敛，无需修改。"},
    "sound": {"en": "no fault was found; nothing needs changing.", "zh": "未发现问题，无需修改。"},
    "short": {
        "en": "{steps} steps recorded; at least {fewest} are needed to judge a run.",
        "zh": "只记录了 {steps} 步；至少需要 {fewest} 步才能判断。",
    },
    "weak": {
        "en": "no fault was found, but the model has hardly learnt: the loss is {share} below a constant answer's.",
        "zh": "未发现故障，但模型几乎没有学到东西：损失只比常数答案低 {share}。",
    },
    "crashed": {
        "en": "the script ended with {type} at {where}; no fault was found in the {steps} steps before.",
        "zh": "脚本以 {type} 结束（{where}）；在此之前的 {steps} 步中未发现故障。",
    },
    "cut": {
        "en": "the log was cut off ({reason}): no fault was found in the {steps} steps that are in it{of}.",
        "zh": "日志被截断（{reason}）：其中的 {steps} 步未发现故障{of}。",
    },
    "many": {
        "en": "many short trainings were seen ({trainings:,} models, about {each} steps each); no single one is long "
        "enough to judge.",
        "zh": "记录中是许多次短训练（{trainings:,} 个模型，每个约 {each} 步）；单次训练都太短，无法判断。",
    },
    "poor": {
        "en": "the log holds too little to judge the run: {known} of {all} checks could be made.",
        "zh": "日志内容太少，无法判断：{all} 项检查中只有 {known} 项可以进行。",
    },
}


def state_of(findings: list[Finding], run: dict[str, Any], clear: int) -> State:
    """Return the state of the run; only errors and warnings can make it bad."""
    worst = max((inner.severity for item in findings for inner in item.walk()), default=Severity.NOTE)
    if worst > Severity.NOTE:
        return State.BROKEN if worst == Severity.ERROR else State.NEEDS_ATTENTION
    judged = clear > 0 and run.get("judged_steps", 0) >= FEWEST_STEPS and "loss_final" in run
    whole = not {"exception", "cut", "trainings"} & run.keys()
    return State.HEALTHY if judged and whole and not _weak(run) else State.CANNOT_TELL


def _weak(run: dict[str, Any]) -> bool:
    known = [run[name] for name in ("skill", "val_skill_best") if name in run]
    return bool(known) and max(known) < LEARNT


def summary(state: State, findings: list[Finding], run: dict[str, Any], counts: tuple[int, int], lang: str) -> str:
    """Return one sentence: what happened because of what, or that all is well."""
    if state in ("broken", "needs-attention"):
        return _verdict(findings[0], lang)
    if state == "cannot-tell":
        return SENTENCES[_why_unsure(run)][lang].format(**_unsure_values(run, counts))
    return SENTENCES["improved" if _improved(run) else "sound"][lang]


def _why_unsure(run: dict[str, Any]) -> str:
    if "exception" in run:
        return "crashed"
    if "trainings" in run:
        return "many"
    if run.get("judged_steps", 0) < FEWEST_STEPS:
        return "short"
    if "cut" in run:
        return "cut"
    return "weak" if _weak(run) else "poor"


def _unsure_values(run: dict[str, Any], counts: tuple[int, int]) -> dict[str, Any]:
    exception = run.get("exception", {})
    cut = run.get("cut", {})
    skill = max([run[name] for name in ("skill", "val_skill_best") if name in run], default=0.0)
    return {
        "trainings": run.get("trainings", 0), "each": run.get("trainings_steps", 0),
        "steps": run.get("judged_steps", 0), "fewest": FEWEST_STEPS, "known": counts[0], "all": counts[1],
        "share": f"{max(skill, 0.0):.0%}", "type": exception.get("type"), "where": exception.get("where") or "?",
        "reason": cut.get("reason"), "of": f" ({run.get('steps', 0)} / {cut['steps']})" if cut.get("steps") else "",
    }  # fmt: skip


def _improved(run: dict[str, Any]) -> bool:
    first, final = run.get("loss_first"), run.get("loss_final")
    return first is not None and final is not None and first > 0 and final < (1 - MUCH) * first


def _verdict(first: Finding, lang: str) -> str:
    effects = list(first.consequences())
    cause = _inner(first.title)
    if not effects:
        return SENTENCES["alone"][lang].format(cause=cause)
    effect = max(effects, key=_visibility)
    return SENTENCES["because"][lang].format(effect=_inner(effect.title), cause=cause)


def _visibility(item: Finding) -> tuple[int, int]:
    """Rank a consequence by severity, then by how directly people see it."""
    place = SEEN_FIRST.index(item.family) if item.family in SEEN_FIRST else len(SEEN_FIRST)
    return item.severity.rank, -place


def _inner(title: str) -> str:
    """Return a title as a part of a sentence: no full stop, the first letter small unless the word is a name."""
    title = title.rstrip(".。")
    capitals = any(letter.isupper() for letter in title.partition(" ")[0][1:])
    return title if capitals or title.startswith(PROPER) else title[:1].lower() + title[1:]
