"""Turns ranked verdicts into findings: texts in one language, remedies, what was ruled out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from trainadvisor.judge.cause_graph import SYMPTOM_FOLLOWS
from trainadvisor.judge.causes import Node, codes_of
from trainadvisor.judge.engine import CLEAR, OFF, UNKNOWN, Verdict
from trainadvisor.judge.object_sites import main_object, where
from trainadvisor.judge.placeholders import fill
from trainadvisor.judge.remedies import remedies
from trainadvisor.judge.result import Evidence, Finding, Handling, Kind, Rival, RuledOut, Unknown
from trainadvisor.judge.rivals import rivalry
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import all_signals
from trainadvisor.vocabulary import Severity

EXPANDED_ROOTS = 3
LISTED_NEEDS = 3
TEXTS = ("title", "finding", "cause", "verify")
HANDLED = ("phase", "measured_by", "measures", "general")

WORDS = {
    "off": {"en": "switched off: {reason}", "zh": "已关闭：{reason}"},
    "context": {"en": "does not apply to this kind of training ({reason})", "zh": "不适用于这类训练（{reason}）"},
    "failed": {"en": "the rule failed ({reason})", "zh": "规则执行出错（{reason}）"},
    "clear": {"en": "judged and not the case", "zh": "已检查，不成立"},
    "unstated": {"en": "not recorded", "zh": "未记录"},
}


@dataclass(frozen=True)
class Material:
    """What findings are made of."""

    log: RunLog
    verdicts: Mapping[str, Verdict]
    lang: str
    switched_off: Mapping[str, str]

    def title(self, code: str) -> str:
        """Return the title of a rule."""
        return self.verdicts[code].rule.title(self.lang)


def findings(roots: list[Node], material: Material) -> list[Finding]:
    """Return the findings in the order of the roots; those after the third are only listed."""
    built = [finding(root, material) for root in roots]
    alarming = [item for item in built if item.severity != "note"]
    for item in [*alarming[EXPANDED_ROOTS:], *(item for item in built if item.severity == "note" and alarming)]:
        item.also_seen = True
    _name_rivals(built, roots, material)
    return built


def finding(node: Node, material: Material) -> Finding:
    """Return one finding with its consequences."""
    verdict, lang = node.verdict, material.lang
    rule = verdict.rule
    made = main_object(material.log, rule.site)
    texts = {key: fill(rule.text(key, lang), verdict.lookup, lang)[0] for key in TEXTS}
    return Finding(
        code=rule.code,
        family=rule.family,
        kind=cast("Kind", rule.kind),
        severity=Severity(verdict.severity),
        confidence=node.confidence,
        title=texts["title"] or rule.code,
        sentence=texts["finding"],
        cause=texts["cause"],
        verify=texts["verify"],
        where=where(made.get("site")) if made else None,
        subjects=list(verdict.subjects),
        onset=verdict.onset,
        evidence=list(_evidence(verdict, lang)),
        ruled_out=list(_ruled_out(verdict, material)),
        not_judged=list(_not_judged(verdict, material)),
        remedies=remedies(verdict, made, lang),
        explains=[finding(follower, material) for follower in node.followers],
        also_explained_by=node.also_explained_by,
        branch=rule.branch,
        handling=Handling.model_validate({name: getattr(rule, name) for name in HANDLED}),
    )


def _evidence(verdict: Verdict, lang: str) -> Iterator[Evidence]:
    texts = verdict.rule.texts.get(lang, {}).get("evidence", [])
    for number, (line, values) in enumerate(verdict.evidence):
        text = fill(texts[number], verdict.lookup, lang)[0] if number < len(texts) else line.text
        yield Evidence(condition=line.text, values=values, text=text)


def _ruled_out(verdict: Verdict, material: Material) -> Iterator[RuledOut]:
    """Yield the look-alikes that were judged and are clear; for a symptom every cause that was."""
    named = set()
    for entry in verdict.rule.lookalikes:
        other = material.verdicts.get(entry["code"])
        if other and other.state == CLEAR:
            named.add(entry["code"])
            text, _ = fill(entry.get(material.lang, ""), verdict.lookup, material.lang)
            yield RuledOut(code=entry["code"], text=text)
    if verdict.rule.kind == "symptom":
        for code in _causes_of(verdict, material, CLEAR):
            if code not in named:
                yield RuledOut(code=code, text=WORDS["clear"][material.lang])


def _not_judged(verdict: Verdict, material: Material) -> Iterator[Unknown]:
    if verdict.rule.kind == "symptom":
        for code in _causes_of(verdict, material, UNKNOWN):
            yield unknown(material.verdicts[code], material)


def _causes_of(verdict: Verdict, material: Material, state: str) -> Iterator[str]:
    """Yield the causes that would explain a finding, the likeliest first, as far as they were judged so."""
    others = {code: other.rule for code, other in material.verdicts.items() if other.state == state}
    edges = ((other.explains.get(verdict.code, 0.0), code) for code, other in others.items())
    for weight, code in sorted(edges, key=lambda edge: (-edge[0], edge[1])):
        if weight >= SYMPTOM_FOLLOWS and others[code].kind == "cause":
            yield code


def _name_rivals(built: list[Finding], roots: list[Node], material: Material) -> None:
    for item, root in zip(built, roots, strict=True):
        inside = codes_of(root)
        for other in (code for rival in roots if rival is not root for code in codes_of(rival) if code not in inside):
            if entry := rivalry(root.verdict.rule, material.verdicts[other].rule):
                item.rival = Rival(code=other, test=entry[material.lang])
                item.handling.separating = entry.get("change")


def unknown(verdict: Verdict, material: Material) -> Unknown:
    """Say why a rule was not judged and what to record so that it can be."""
    return Unknown(code=verdict.code, missing=list(dict.fromkeys(verdict.missing)), how=_how(verdict, material))


def _how(verdict: Verdict, material: Material) -> str:
    lang = material.lang
    if verdict.state == OFF:
        key = "off" if verdict.code in material.switched_off else "context"
        return WORDS[key][lang].format(reason=verdict.reason)
    if verdict.failure:
        return WORDS["failed"][lang].format(reason=verdict.failure)
    specs = [all_signals()[name] for name in dict.fromkeys(verdict.missing) if name in all_signals()]
    needs = dict.fromkeys(spec.needs_zh if lang == "zh" else spec.needs for spec in specs)
    return ("；" if lang == "zh" else "; ").join(list(needs)[:LISTED_NEEDS]) or WORDS["unstated"][lang]
