"""Findings in words: the texts of their rules with the values of the run in them."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, cast

from trainadvisor.i18n.code_comments import told_in
from trainadvisor.i18n.epochs import in_epochs
from trainadvisor.judge.judgement import Advice, Judged, Judgement, RuledOutCode, Unjudged
from trainadvisor.judge.pasting import applied_as
from trainadvisor.judge.placeholders import fill_known
from trainadvisor.judge.result import Evidence, Finding, Handling, Kind, Remedy, Rival, RuledOut, Unknown
from trainadvisor.judge.rivals import rivalry
from trainadvisor.judge.rulebook import Rule
from trainadvisor.signals import all_signals

LISTED_NEEDS = 3
TEXTS = ("title", "finding", "cause", "verify")
HANDLED = ("phase", "evidence", "measured_by", "measures", "general")

LAYER, OF_LAYER = re.compile(r"\blayer (\d)"), re.compile(r"(\w+) of layer ([\d.]+(?: \(\w+\))?)")
WORDS = {
    "off": {"en": "switched off: {reason}", "zh": "已关闭：{reason}"},
    "context": {"en": "does not apply to this kind of training ({reason})", "zh": "不适用于这类训练（{reason}）"},
    "lacking": {"en": "{reason}", "zh": "{reason}"},
    "failed": {"en": "the rule failed ({reason})", "zh": "规则执行出错（{reason}）"},
    "short": {"en": "needs more steps or evaluations than were recorded", "zh": "需要更多步数或更多次验证"},
    "clear": {"en": "judged and not the case", "zh": "已检查，不成立"},
    "unstated": {"en": "not recorded", "zh": "未记录"},
}
# What a training is called in which a rule does not apply.
CONTEXTS = {
    "curves-only": {"en": "only curves are known", "zh": "只有曲线"},
    "adversarial": {"en": "adversarial training", "zh": "对抗训练"},
    "many-trainings": {"en": "many short trainings", "zh": "多次短训练"},
    "reinforcement": {"en": "reinforcement learning", "zh": "强化学习"},
    "self-targets": {"en": "the model makes its own targets", "zh": "目标由模型自身产生"},
    "codebook": {"en": "a codebook is learned", "zh": "学习码本"},
    "contrastive": {"en": "contrastive learning", "zh": "对比学习"},
    "preference": {"en": "preference training", "zh": "偏好训练"},
    "likelihood": {"en": "the loss is a likelihood", "zh": "损失为似然"},
    "finetuning": {"en": "fine-tuning", "zh": "微调"},
    "accumulation": {"en": "gradients are accumulated", "zh": "梯度累积"},
    "no-supervision": {"en": "no targets", "zh": "没有目标值"},
    "recorded": {"en": "the run was recorded", "zh": "已有完整记录"},
    "tiny-validation": {"en": "a tiny validation set", "zh": "验证集极小"},
    "regression": {"en": "regression", "zh": "回归"},
    "classification": {"en": "classification", "zh": "分类"},
    "language-model": {"en": "language model", "zh": "语言模型"},
    "autoencoder": {"en": "autoencoder", "zh": "自编码器"},
    "no-twin": {"en": "no model beside the trained one that has its shape", "zh": "没有与被训练模型同形状的另一模型"},
    "no-evaluated-copy": {"en": "no copy of the model is evaluated", "zh": "没有对模型副本做验证"},
    "no-optimizer-modes": {"en": "no optimizer with modes of its own", "zh": "没有自带模式的优化器"},
    "no-epoch-sampler": {"en": "no sampler that shuffles by the epoch", "zh": "没有按轮次编号打乱的采样器"},
    "no-equal-streams": {
        "en": "no workers that share a stream, and no passes that begin alike",
        "zh": "没有共用数据流的 worker，也没有开头相同的遍历",
    },
    "no-layers": {"en": "no layers but tables of embeddings", "zh": "除嵌入表外没有其他层"},
    "no-optimizer": {"en": "no optimizer", "zh": "没有优化器"},
    "no-loader": {"en": "no loader", "zh": "没有 DataLoader"},
    "no-schedule": {"en": "no learning-rate schedule", "zh": "没有学习率调度器"},
    "no-weighed-answers": {"en": "no answers that are weighed by advantages", "zh": "没有按优势加权的回答"},
    "no-accelerator": {"en": "no GPU or other accelerator", "zh": "没有使用 GPU 等加速器"},
    "no-processes": {"en": "one process", "zh": "只有一个进程"},
    "no-accumulation": {"en": "no gradient accumulation", "zh": "没有梯度累积"},
    "no-clipping": {"en": "no gradient clipping", "zh": "没有梯度裁剪"},
    "no-scaler": {"en": "no GradScaler", "zh": "没有 GradScaler"},
    "no-autocast": {"en": "no mixed precision", "zh": "没有混合精度"},
    "no-half-precision": {"en": "no weights in half precision", "zh": "没有半精度权重"},
    "no-adaptive-optimizer": {"en": "no adaptive optimizer such as Adam", "zh": "没有 Adam 等自适应优化器"},
    "no-weight-decay": {"en": "no weight decay", "zh": "没有权重衰减"},
    "no-dropout": {"en": "no dropout layer", "zh": "没有 Dropout 层"},
    "no-mode-layers": {
        "en": "no layer that differs between train() and eval()",
        "zh": "没有在 train() 与 eval() 下行为不同的层",
    },
    "no-rectifiers": {"en": "no ReLU", "zh": "没有 ReLU"},
    "no-squashing": {"en": "no hidden tanh or sigmoid", "zh": "隐藏层没有 tanh 或 sigmoid"},
    "no-attention": {"en": "no layer of a known attention class", "zh": "没有已知类型的注意力层"},
    "no-masks": {"en": "no padding mask", "zh": "没有填充掩码"},
    "no-packed-rows": {"en": "no packed documents", "zh": "没有打包的多文档序列"},
    "nothing-printed": {"en": "no metric was printed", "zh": "没有打印指标"},
    "no-pooled-places": {"en": "no average over padded rows", "zh": "没有对含填充的序列取平均"},
    "no-token-labels": {"en": "no labels for the places of token sequences", "zh": "没有 token 序列上的逐位标签"},
    "no-experts": {"en": "no experts to choose from", "zh": "没有可选择的专家模块"},
    "no-codebook": {"en": "no codebook", "zh": "没有码本"},
    "no-timestep": {"en": "no time step or noise level", "zh": "没有时间步或噪声水平输入"},
    "no-ctc": {"en": "no CTC loss", "zh": "没有 CTC 损失"},
    "no-pairs": {"en": "no contrastive loss", "zh": "没有对比损失"},
    "no-preference": {"en": "no preference loss", "zh": "没有偏好损失"},
    "no-policy-ratio": {"en": "no ratio of new to old policy", "zh": "没有新旧策略的概率比"},
    "no-binary-labels": {"en": "no binary cross-entropy", "zh": "没有二元交叉熵"},
    "no-signed-labels": {"en": "no loss with labels 1 and -1", "zh": "没有以 1 与 -1 为标签的损失"},
    "no-regression": {"en": "no regression loss", "zh": "没有回归损失"},
    "no-loads": {"en": "no weights were loaded", "zh": "没有加载权重"},
    "no-resume": {"en": "not resumed from a checkpoint", "zh": "没有从检查点恢复"},
    "no-reference": {"en": "no reference model", "zh": "没有参考模型"},
}
# Behind a remedy: what the framework that trains calls it.
_SETTING = {"en": " Here: {setting}.", "zh": "此处即：{setting}。"}


def findings(judgement: Judgement, lang: str) -> list[Finding]:
    """Return the findings of a judgement in one language."""
    return [_finding(item, judgement, lang) for item in judgement.findings]


def _finding(item: Judged, judgement: Judgement, lang: str) -> Finding:
    rule = judgement.rule(item.code, item.branch)
    texts = {key: fill_known(rule.text(key, lang), _lookup(item, lang), lang) for key in TEXTS}
    separating = item.rival.separating if item.rival else None
    remedies = [_remedy(advice, item, rule, lang) for advice in item.remedies]
    return Finding(
        code=item.code,
        family=item.family,
        kind=cast("Kind", rule.kind),
        severity=item.severity,
        confidence=item.confidence,
        title=texts["title"] or item.code,
        sentence=texts["finding"] or texts["title"] or item.code,
        cause=texts["cause"],
        verify=texts["verify"],
        where=item.sites[0].where if item.sites else None,
        sites=list(item.sites),
        subjects=list(item.subjects),
        onset=item.onset,
        evidence=_evidence(item, rule, lang),
        ruled_out=[_ruled_out(other, item, rule, lang) for other in item.ruled_out],
        not_judged=[unknown(other, lang) for other in item.not_judged],
        remedies=[remedy for remedy in remedies if remedy.text],
        explains=[_finding(follower, judgement, lang) for follower in item.explains],
        also_explained_by=list(item.also_explained_by),
        rival=_rival(item, judgement, lang),
        also_seen=item.also_seen,
        branch=item.branch,
        handling=Handling(separating=separating, **{name: getattr(rule, name) for name in HANDLED}),
        values=dict(item.values),
    )


def counted_in_epochs(finding: Finding, lang: str) -> Finding:
    """Return a finding of a log that counts epochs, told so."""
    return replace(
        finding,
        sentence=in_epochs(finding.sentence, lang),
        verify=in_epochs(finding.verify, lang),
        evidence=[replace(proof, text=in_epochs(proof.text, lang)) for proof in finding.evidence],
        remedies=[replace(remedy, text=in_epochs(remedy.text, lang)) for remedy in finding.remedies],
        explains=[counted_in_epochs(follower, lang) for follower in finding.explains],
    )


def _lookup(item: Judged, lang: str) -> Callable[[str], Any]:
    """Return what a placeholder stands for; in Chinese, layers that are told by their place are told so there."""
    subjects = item.values.get("subjects")
    if lang != "zh" or not isinstance(subjects, str):
        return item.values.get
    return {**item.values, "subjects": LAYER.sub(r"层 \1", OF_LAYER.sub(r"层 \2 的 \1", subjects))}.get


def _evidence(item: Judged, rule: Rule, lang: str) -> list[Evidence]:
    texts = rule.texts.get(lang, {}).get("evidence", [])
    return [
        Evidence(
            condition=proof.condition,
            values=proof.values,
            text=fill_known(texts[number], _lookup(item, lang), lang) if number < len(texts) else proof.condition,
        )
        for number, proof in enumerate(item.evidence)
    ]


def _ruled_out(other: RuledOutCode, item: Judged, rule: Rule, lang: str) -> RuledOut:
    if other.number is None:
        return RuledOut(code=other.code, text=WORDS["clear"][lang])
    return RuledOut(
        code=other.code, text=fill_known(rule.lookalikes[other.number].get(lang, ""), _lookup(item, lang), lang)
    )


def _remedy(advice: Advice, item: Judged, rule: Rule, lang: str) -> Remedy:
    entry = rule.remedies[advice.number]
    return Remedy(
        change=advice.change,
        arguments=dict(advice.arguments),
        applies=advice.applies if advice.edits or advice.setting else applied_as(advice.applies, advice.snippet),
        text=_words(entry, item, lang) + (_SETTING[lang].format(setting=advice.setting) if advice.setting else ""),
        code="\n".join(edit.diff() for edit in advice.edits) or told_in(advice.snippet or "", lang) or None,
        where=advice.edits[0].where if advice.edits else None,
        edits=list(advice.edits),
    )


def _words(entry: Mapping[str, str], item: Judged, lang: str) -> str:
    return fill_known(entry.get(lang) or entry.get("en", ""), _lookup(item, lang), lang)


def _rival(item: Judged, judgement: Judgement, lang: str) -> Rival | None:
    if item.rival is None:
        return None
    entry = rivalry(judgement.rule(item.code), judgement.rule(item.rival.code))
    return Rival(code=item.rival.code, test=entry[lang]) if entry else None


def unknown(entry: Unjudged, lang: str) -> Unknown:
    """Return why a rule was not judged and what to record so that it can be."""
    return Unknown(code=entry.code, missing=list(entry.missing), how=_how(entry, lang))


def _how(entry: Unjudged, lang: str) -> str:
    if entry.why != "absent":
        kind = CONTEXTS.get(entry.reason, {}) if entry.why in ("context", "lacking") else {}
        return WORDS[entry.why][lang].format(reason=kind.get(lang, entry.reason))
    specs = [all_signals()[name] for name in entry.missing if name in all_signals()]
    needs = dict.fromkeys(spec.needs_zh if lang == "zh" else spec.needs for spec in specs)
    return ("；" if lang == "zh" else "; ").join(list(needs)[:LISTED_NEEDS]) or WORDS["unstated"][lang]
