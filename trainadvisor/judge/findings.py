"""Turns ranked verdicts into findings: values, places, remedies, what was ruled out; no sentence."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from trainadvisor.judge.cause_graph import SYMPTOM_FOLLOWS
from trainadvisor.judge.causes import Node, codes_of
from trainadvisor.judge.dialects import framework_of, in_dialect
from trainadvisor.judge.judgement import Advice, Judged, Proof, RivalCode, RuledOutCode, Unjudged, Values
from trainadvisor.judge.object_sites import broken_layers, call_site, main_object, main_optimizer, site_of, told_layer
from trainadvisor.judge.placeholders import names_in
from trainadvisor.judge.remedies import remedies
from trainadvisor.judge.result import Site
from trainadvisor.judge.rivals import rivalry
from trainadvisor.judge.rule_verdict import CLEAR, OFF, UNKNOWN, Verdict
from trainadvisor.judge.rulebook import Rule
from trainadvisor.log.cleaning import number
from trainadvisor.log.reader import RunLog
from trainadvisor.vocabulary import Severity

EXPANDED_ROOTS = 3
# The signal that names what was not finite first, where one layer was seen to be.
FIRST_BROKEN = "first_nonfinite_place"
TEXTS = ("title", "finding", "cause", "verify")
LANGUAGES = ("en", "zh")


@dataclass(frozen=True)
class Material:
    """What findings are made of."""

    log: RunLog
    verdicts: Mapping[str, Verdict]
    switched_off: Mapping[str, str]


def findings(roots: list[Node], material: Material) -> tuple[Judged, ...]:
    """Return the findings in the order of the roots; those after the third are only listed."""
    built = [finding(root, material) for root in roots]
    alarming = [item.code for item in built if item.severity > Severity.NOTE]
    listed = {*alarming[EXPANDED_ROOTS:], *(item.code for item in built if item.severity == Severity.NOTE and alarming)}
    rivals = (_rival(root, roots, material) for root in roots)
    return tuple(
        replace(item, also_seen=item.code in listed, rival=rival) for item, rival in zip(built, rivals, strict=True)
    )


def finding(node: Node, material: Material) -> Judged:
    """Return one finding with its consequences."""
    verdict = node.verdict
    made = main_object(material.log, verdict.rule.site, verdict.subjects)
    advised, place = _in_dialect(remedies(verdict, made), material.log)
    site = place or site_of(made)
    return Judged(
        code=verdict.code,
        branch=verdict.rule.branch,
        family=verdict.rule.family,
        severity=node.severity,
        confidence=node.confidence,
        values=_values(verdict, material.log),
        sites=verdict.sites or tuple(place for place in (_called(verdict, material.log), site) if place is not None),
        subjects=verdict.subjects,
        onset=verdict.onset,
        evidence=tuple(Proof(line.text, values) for line, values in verdict.evidence),
        ruled_out=tuple(_ruled_out(verdict, material)),
        not_judged=tuple(_not_judged(verdict, material)),
        remedies=tuple(advised),
        explains=tuple(finding(follower, material) for follower in node.followers),
        also_explained_by=tuple(node.also_explained_by),
    )


def _called(verdict: Verdict, log: RunLog) -> Site | None:
    """Return the line that calls the first layer that a finding is about, where the model as a whole is its place."""
    if verdict.rule.site not in (None, "model"):
        return None
    about = [*verdict.subjects, *(broken_layers(log) if verdict.rule.subjects == FIRST_BROKEN else ())]
    return site_of({"site": call_site(log, about[0])}) if about else None


def _in_dialect(advised: list[Advice], log: RunLog) -> tuple[list[Advice], Site | None]:
    """Return remedies in the words of the framework that trains, and the line that holds the first one's setting."""
    framework = framework_of(log)
    if framework is None:
        return advised, None
    made = main_optimizer(log) or {}
    optimizer = str(made.get("class") or "")
    own, rate = _made_by_script(made), number(next((group.get("lr") for group in made.get("groups", ())), None))
    loss = str((main_object(log, "loss", ()) or {}).get("name") or "")
    said = [in_dialect(advice, framework, optimizer, loss, own_optimizer=own, rate=rate) for advice in advised]
    return [advice for advice, _ in said], next((place for _, place in said[:1]), None)


def _made_by_script(optimizer: Mapping[str, Any]) -> bool:
    """Return whether the line where an optimizer was made names its class."""
    site = site_of(optimizer)
    return site is not None and f"{optimizer.get('class')}(" in (site.source or "")


def _values(verdict: Verdict, log: RunLog) -> Values:
    """Return the values of the placeholders in what the rule may say of this finding, in any language."""
    names = dict.fromkeys(name for text in _templates(verdict.rule) for name in names_in(text))
    told = replace(verdict, subjects=tuple(told_layer(log, name) for name in verdict.subjects))
    return {name: told.lookup(name) for name in names}


def _templates(rule: Rule) -> Iterator[str]:
    for texts in rule.texts.values():
        yield from (str(texts.get(key, "")) for key in TEXTS)
        yield from texts.get("evidence", ())
    entries: Iterable[Mapping[str, str]] = (*rule.remedies, *rule.lookalikes)
    yield from (entry.get(lang, "") for entry in entries for lang in LANGUAGES)


def _ruled_out(verdict: Verdict, material: Material) -> Iterator[RuledOutCode]:
    """Yield the look-alikes that were judged and are clear; for a symptom every cause that was."""
    named = set()
    for place, entry in enumerate(verdict.rule.lookalikes):
        other = material.verdicts.get(entry["code"])
        if other and other.fine:
            named.add(entry["code"])
            yield RuledOutCode(entry["code"], place)
    if verdict.rule.kind == "symptom":
        yield from (
            RuledOutCode(code)
            for code in _causes_of(verdict, material, CLEAR)
            if code not in named and material.verdicts[code].fine
        )


def _not_judged(verdict: Verdict, material: Material) -> Iterator[Unjudged]:
    if verdict.rule.kind == "symptom":
        for code in _causes_of(verdict, material, UNKNOWN):
            yield unjudged(material.verdicts[code], material)


def _causes_of(verdict: Verdict, material: Material, state: str) -> Iterator[str]:
    """Yield the causes that would explain a finding, the likeliest first, as far as they were judged so."""
    others = {code: other.rule for code, other in material.verdicts.items() if other.state == state}
    edges = ((other.explains.get(verdict.code, 0.0), code) for code, other in others.items())
    for weight, code in sorted(edges, key=lambda edge: (-edge[0], edge[1])):
        if weight >= SYMPTOM_FOLLOWS and others[code].kind == "cause":
            yield code


def _rival(root: Node, roots: list[Node], material: Material) -> RivalCode | None:
    """Return the last finding outside of this root with the opposite remedy."""
    found = None
    inside = codes_of(root)
    for other in (code for rival in roots if rival is not root for code in codes_of(rival) if code not in inside):
        if entry := rivalry(root.verdict.rule, material.verdicts[other].rule):
            found = RivalCode(other, entry.get("change"))
    return found


def unjudged(verdict: Verdict, material: Material) -> Unjudged:
    """Return why a rule was not judged: off, no matter of this kind of training, failed, too short, signals absent."""
    missing = tuple(dict.fromkeys(verdict.missing))
    if verdict.state == OFF:
        return Unjudged(
            verdict.code, "off" if verdict.code in material.switched_off else "context", verdict.reason, missing
        )
    if verdict.failure:
        return Unjudged(verdict.code, "failed", verdict.failure, missing)
    return Unjudged(verdict.code, "short" if verdict.short else "absent", missing=missing)
