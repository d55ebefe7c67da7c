"""Checks the texts of a rule: both languages, equal placeholders, known names, formats that fit."""

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from trainadvisor.errors import did_you_mean
from trainadvisor.judge import crash_rules
from trainadvisor.judge.placeholders import BELOW, BUILT_IN, CHOICES, OR, placeholders
from trainadvisor.judge.rulebook import Rule
from trainadvisor.lint.pattern_catalogue import names_of

if TYPE_CHECKING:
    from trainadvisor.judge.branches import Branch

PLAIN = ("title", "cause", "finding", "verify")
CHINESE = re.compile("[\u4e00-\u9fff]")
SAMPLES: dict[str, tuple[Any, ...]] = {
    "number": (1.5, 2),
    "truth": (True,),
    "word": ("word",),
    "layers": (1.5, 2),
    "names": ("word",),
}


def text_problems(rule: Rule, signals: Mapping[str, str]) -> Iterator[str]:
    """Yield what is wrong with the texts of a rule."""
    yield from _evidence_lengths(rule)
    kinds = {**signals, **dict.fromkeys((*rule.thresholds, *rule.values), "number"), **dict.fromkeys(BUILT_IN, "word")}
    kinds |= {"onset": "number", "layers_matched": "number", "layers_total": "number"}
    kinds |= dict.fromkeys(crash_rules.names(rule), "word")
    if not rule.judges_runs:
        kinds = dict.fromkeys(names_of(rule.code), "word")
    for key, english, chinese in _pairs(rule):
        if not english or not chinese:
            yield f"{key}: stands in one language only"
        elif not CHINESE.search(chinese):
            yield f"{key}.zh: is not Chinese; translate it"
        yield from _placeholder_problems(key, english, chinese, kinds)
    for number, entry in enumerate(rule.all_remedies, 1):
        for key, text in (("code", entry.get("code", "")), ("edit.to", (entry.get("edit") or {}).get("to", ""))):
            yield from _named(f"remedies[{number}].{key}", text, kinds)[1]


def _evidence_lengths(rule: Rule) -> Iterator[str]:
    parts: list[tuple[str, Rule | Branch]] = [("", rule)]
    parts += ((f"branches[{number}].", branch) for number, branch in enumerate(rule.branches, 1))
    for place, part in parts:
        for lang, texts in part.texts.items():
            count = len(texts.get("evidence", ()))
            if count != len(part.when):
                yield f"{place}{lang}.evidence: has {count} texts for {len(part.when)} lines of when; give one each"


def _pairs(rule: Rule) -> Iterator[tuple[str, str, str]]:
    """Yield place, English and Chinese of each text with placeholders."""
    yield from _texts_of("", rule.texts)
    for number, branch in enumerate(rule.branches, 1):
        yield from _texts_of(f"branches[{number}].", branch.texts)
    for key, entries in (("remedies", rule.all_remedies), ("lookalikes", rule.lookalikes), ("rivals", rule.rivals)):
        for number, entry in enumerate(entries, 1):
            yield f"{key}[{number}]", entry["en"], entry["zh"]


def _texts_of(place: str, texts: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str, str]]:
    """Yield the texts of a rule or of a branch, which may leave some to its rule."""
    en, zh = texts["en"], texts["zh"]
    for key in PLAIN:
        if key in en or key in zh:
            yield f"{place}{key}", en.get(key, ""), zh.get(key, "")
    for number, (english, chinese) in enumerate(zip(en.get("evidence", ()), zh.get("evidence", ()), strict=False), 1):
        yield f"{place}evidence[{number}]", english, chinese


def _placeholder_problems(key: str, english: str, chinese: str, kinds: Mapping[str, str]) -> Iterator[str]:
    ours, problems = _named(f"{key}.en", english, kinds)
    theirs, more = _named(f"{key}.zh", chinese, kinds)
    yield from problems + more
    if ours is not None and theirs is not None and ours != theirs:
        odd = ", ".join(f"{{{name}}}" for name in sorted(ours ^ theirs))
        yield f"{key}: {odd} stands in one language only; use the same placeholders in en and zh"


def _named(key: str, text: str, kinds: Mapping[str, str]) -> tuple[set[str] | None, list[str]]:
    """Return the names in a text and what is wrong with its placeholders."""
    try:
        found = list(placeholders(text))
    except ValueError as error:
        return None, [f"{key}: {error}"]
    problems = [
        f"{key}: unknown placeholder {{{name}}}{did_you_mean(name, kinds)}" for name, _ in found if name not in kinds
    ]
    problems += [
        f"{key}: {{{name}:{spec}}} does not fit a {kinds[name]}" for name, spec in found if not _fits(name, spec, kinds)
    ]
    return {name for name, _ in found}, problems


def _fits(name: str, spec: str, kinds: Mapping[str, str]) -> bool:
    if spec == BELOW:
        return kinds.get(name) == "number"
    if OR in spec:
        spec, *words = spec.split(OR)
        return len(words) == CHOICES and kinds.get(name) in ("number", "truth") and _fits(name, spec, kinds)
    return name not in kinds or not spec or any(_formats(sample, spec) for sample in SAMPLES[kinds[name]])


def _formats(sample: Any, spec: str) -> bool:
    try:
        format(sample, spec)
    except ValueError:
        return False
    return True
