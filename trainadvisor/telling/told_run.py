"""The run in words: its one-sentence summary and the notes beside it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from trainadvisor.figures import filled
from trainadvisor.i18n import told_errors
from trainadvisor.judge.judgement import Judgement, Remark
from trainadvisor.judge.result import Finding, Reason
from trainadvisor.telling import blindspot_texts, doubt_texts

PROPER = ("Adam", "AdamW", "PyTorch")

# Families whose findings are about what was set, unless they are symptoms.
SETTINGS = ("optimization", "wiring", "data")

SENTENCES = {
    "because": {"en": "{cause}, so {effect}.", "zh": "{cause}，导致{effect}。"},
    "alone": {"en": "{cause}.", "zh": "{cause}。"},
    "converged": {"en": "training converged normally; nothing needs changing.", "zh": "训练正常收敛，无需修改。"},
    "sound": {
        "en": "the model has learned and no fault was found; nothing needs changing.",
        "zh": "训练有效，未发现问题，无需修改。",
    },
    "wrong": {"en": "{says}; no check names the cause.", "zh": "{says}；没有检查能说明原因。"},
    "unsure": {
        "en": "nothing wrong shows in what was recorded ({seen}), but {says}.",
        "zh": "在已记录的内容中未发现问题（{seen}），但不能断言成功：{says}。",
    },
    "short": {
        "en": "{steps} steps recorded; at least {fewest} are needed to judge a run.",
        "zh": "只记录了 {steps} 步；至少需要 {fewest} 步才能判断。",
    },
    "crashed": {
        "en": "the script ended with {type} at {where}; no fault was found in the {steps} steps before.",
        "zh": "脚本以 {type} 结束（{where}）；在此之前的 {steps} 步中未发现故障。",
    },
    "crashed-early": {
        "en": "the script ended with {type} at {where} before it trained.",
        "zh": "脚本在开始训练之前以 {type} 结束（{where}）。",
    },
    "unended": {
        "en": "the log breaks off after {steps} steps: the process was killed (memory, time limit, SIGKILL), "
        "or still runs.",
        "zh": "日志在 {steps} 步后中断：进程被杀死（内存、时限、SIGKILL）或仍在运行。",
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
}

SEEN = {
    "checks": {"en": "{known} of {all} checks", "zh": "{all} 项检查中的 {known} 项"},
    "fell": {"en": "; the loss fell from {first:.3g} to {final:.3g}", "zh": "；损失从 {first:.3g} 降到 {final:.3g}"},
}

CUT = {
    "en": "the log ends before the training: {reason}; {steps} of {all} steps are in it",
    "zh": "日志在训练结束之前中断：{reason}；训练共 {all} 步，其中记录了 {steps} 步",
}

OF_PHASE = {
    "en": "training {place} of {count} (steps {first:,} to {last:,}): ",
    "zh": "第 {place} 次训练（共 {count} 次，第 {first:,} 至 {last:,} 步）：",
}
PHASES = {
    "en": "{count} trainings were seen, each judged by itself: {told}",
    "zh": "共有 {count} 次训练，分别判断：{told}",
}
PHASE = {
    "en": "{place} ({made}, steps {first:,} to {last:,}) {told}",
    "zh": "第 {place} 次（{made}，第 {first:,} 至 {last:,} 步）{told}",
}
STATES = {
    "en": {
        "healthy": "HEALTHY", "cannot-tell": "CAN'T TELL", "needs-attention": "NEEDS ATTENTION", "broken": "BROKEN",
    },
    "zh": {"healthy": "正常", "cannot-tell": "无法判断", "needs-attention": "需要关注", "broken": "错误"},
}  # fmt: skip


def summary(judgement: Judgement, findings: Sequence[Finding], lang: str) -> str:
    """Return one sentence: what happened because of what, or that all is well."""
    values = dict(judgement.summary.values)
    kind = judgement.summary.kind
    if {"cause", "effect"} & values.keys():
        titles = {item.code: _inner(item.title) for item in findings[0].walk()}
        if kind == "because":
            kind, values = _effect(values, findings[0])
        values = {role: titles[code] for role, code in values.items()}
    if doubt := values.get("doubt"):
        values |= {"says": doubt_texts.says(doubt, values["about"], lang), "seen": _seen(values, lang)}
    told = filled(SENTENCES[kind][lang], values, lang)
    return _of_phase(judgement, lang) + told


def _effect(values: dict[str, Any], first: Finding) -> tuple[str, dict[str, Any]]:
    """Return what the sentence names as the effect: what happens, not a setting that seems wrong too."""
    seen = [item.code for item in first.consequences() if item.kind == "symptom" or item.family not in SETTINGS]
    if first.kind == "symptom" or not seen:
        return "alone", values  # one symptom is no cause of the other
    return "because", values if values["effect"] in seen else {**values, "effect": seen[0]}


def _of_phase(judgement: Judgement, lang: str) -> str:
    """Return which of several trainings the sentence is about."""
    place, phases = judgement.run.get("phase"), judgement.run.get("phases")
    if not place or not phases:
        return ""
    return OF_PHASE[lang].format(place=place, count=len(phases), **phases[place - 1])


def _phases(remark: Remark, lang: str) -> Iterator[str]:
    """Yield one sentence that names every training of the process and what became of it."""
    phases = remark.values["phases"]
    told = []
    for place, phase in enumerate(phases, 1):
        made = ", ".join(str(phase[name]) for name in ("model", "optimizer", "site") if phase[name])
        found = f" ({', '.join(phase['codes'])})" if phase["codes"] else ""
        told.append(PHASE[lang].format(place=place, made=made, told=STATES[lang][phase["state"]] + found, **phase))
    yield filled(PHASES[lang], {"count": len(phases), "told": "; ".join(told)}, lang)


def _seen(values: Mapping[str, Any], lang: str) -> str:
    """Return how many checks were made, and how far the loss fell, if it did."""
    fell = None not in (values["first"], values["final"]) and values["final"] < values["first"]
    return "".join(filled(SEEN[part][lang], values, lang) for part in ("checks", *(["fell"] if fell else [])))


def reasons(judgement: Judgement, lang: str) -> list[Reason]:
    """Return what speaks against calling the run healthy, with what would decide it."""
    return [
        Reason(
            code=remark.kind,
            values=dict(remark.values),
            text=doubt_texts.says(remark.kind, remark.values, lang),
            decides=doubt_texts.decides(remark.kind, lang),
        )
        for remark in judgement.reasons
    ]


def _inner(title: str) -> str:
    """Return a title as a part of a sentence: no full stop, the first letter small unless the word is a name."""
    title = title.rstrip(".。")
    capitals = any(letter.isupper() for letter in title.partition(" ")[0][1:])
    return title if capitals or title.startswith(PROPER) else title[:1].lower() + title[1:]


def notes(judgement: Judgement, lang: str) -> Iterator[str]:
    """Yield what is told beside the verdict, first that the run has no end where the verdict is of other things."""
    if judgement.state not in ("healthy", "cannot-tell"):
        broken_off = (remark for remark in judgement.reasons if remark.kind == "unended")
        yield from (doubt_texts.says(remark.kind, remark.values, lang) for remark in broken_off)
    for remark in judgement.notes:
        yield from _note(remark, lang)


def _note(remark: Remark, lang: str) -> Iterator[str]:
    values = remark.values
    match remark.kind:
        case "exception":
            yield from _exception(remark)
        case "cut":
            yield filled(CUT[lang], {**values, "all": values["all"] or "?"}, lang)
        case "phases":
            yield from _phases(remark, lang)
        case "blind":
            if sentence := blindspot_texts.told(values["subject"], lang):
                yield sentence
        case "failed":
            yield f"rule {values['code']} failed: {values['failure']}"
        case _:
            yield told_errors.told(values["text"], lang)


def _exception(remark: Remark) -> Iterator[str]:
    """Yield the exception itself."""
    values = remark.values
    told = ": ".join(filter(None, [values["where"], values["type"], values["message"].partition("\n")[0]]))
    yield told
