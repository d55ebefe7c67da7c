"""Checks what a rule says of sources: its texts, and that its pieces of scripts are found or clear as they say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trainadvisor.errors import TrainAdvisorError, did_you_mean
from trainadvisor.judge.placeholders import names_in
from trainadvisor.lint import pattern_catalogue
from trainadvisor.source.edits import applied
from trainadvisor.source.reading import parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from trainadvisor.judge.rulebook import Rule


def source_problems(rule: Rule) -> Iterator[str]:
    """Yield what is wrong with the part of a rule that is about sources."""
    if rule.source is None:
        if rule.path.parent.parent.name in ("rules", "_rules") and rule.code in pattern_catalogue.patterns():
            yield "source: is missing, and there is a pattern of this code; add pieces of scripts that hold it"
        return
    if rule.code not in pattern_catalogue.patterns():
        yield f"source: no pattern is called {rule.code}{did_you_mean(rule.code, pattern_catalogue.patterns())}"
        return
    if rule.judges_runs and not (rule.source.get("en") and rule.source.get("zh")):
        yield "source: en and zh are missing; a rule on runs says other things of a source"
    yield from _placeholders(rule)
    kinds = {case["is"] for case in rule.source["cases"]}
    yield from (f'source.cases: there is none with is = "{k}"; add one' for k in ("found", "clear") if k not in kinds)
    for number, case in enumerate(rule.source["cases"], 1):
        yield from _case(rule, f"source.cases[{number}]", case)


def _placeholders(rule: Rule) -> Iterator[str]:
    known = pattern_catalogue.names_of(rule.code)
    for lang in ("en", "zh"):
        for key, text in texts(rule, lang).items():
            for name in names_in(text):
                if name not in known:
                    yield f"source.{lang}.{key}: unknown placeholder {{{name}}}{did_you_mean(name, known)}"
    named = pattern_catalogue.pattern_names(rule.code)
    for number, entry in enumerate(rule.source_remedies, 1):
        key = f"source.remedies[{number}]"
        if entry["pattern"] not in named:
            yield f"{key}.pattern: no pattern of this rule is called so{did_you_mean(entry['pattern'], named)}"
        for lang in ("en", "zh"):
            for name in names_in(entry[lang]):
                if name not in known:
                    yield f"{key}.{lang}: unknown placeholder {{{name}}}{did_you_mean(name, known)}"


def texts(rule: Rule, lang: str, pattern: str = "") -> dict[str, str]:
    """Return the finding and the remedy as they are told of a source, where a pattern has its own that one."""
    fitting = [str(entry[lang]) for entry in rule.source_remedies if entry["pattern"] == pattern]
    general = [str(entry.get(lang, "")) for entry in rule.all_remedies]
    own = (rule.source or {}).get(lang) or {"finding": rule.text("finding", lang), "remedy": next(iter(general), "")}
    return {**own, "remedy": next(iter(fitting), own["remedy"])}


def _case(rule: Rule, key: str, case: Mapping[str, Any]) -> Iterator[str]:
    try:
        source = parse(case["code"], key)
        found = [match for code, match in pattern_catalogue.matches(source) if code == rule.code]
        lines = [match.line for match in found]
        spans = [span for match in found[:1] for span in match.fix or ()]
        changed = applied(source, spans) if spans else None
    except TrainAdvisorError as error:
        yield str(error)
        return
    if bool(found) != (case["is"] == "found"):
        yield f'{key}: should be "{case["is"]}" and is not'
    elif case.get("lines") and lines != case["lines"]:
        yield f"{key}: should be found in lines {case['lines']} and is in {lines}"
    elif case.get("fixed") is not None and (changed or "").strip() != case["fixed"].strip():
        yield f"{key}: its edit makes something else of it:\n{changed}"
