"""The lists of rules and signals, as text and as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from trainadvisor.i18n.language import Words
from trainadvisor.i18n.told_signals import told_in
from trainadvisor.report.text.layout import cells, pad, wrap
from trainadvisor.vocabulary import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trainadvisor.judge.rulebook import Rule, Rulebook
    from trainadvisor.signals import SignalSpec


def rules(book: Rulebook, chosen: list[Rule], lang: str, width: int) -> str:
    """Return codes by family, each with its level and title."""
    words = Words(lang)
    column = max((len(rule.code) for rule in chosen), default=0) + 2
    level = max(cells(words(f"severity.{severity}")) for severity in Severity) + 2
    lines = []
    for family in dict.fromkeys(rule.family for rule in chosen):
        lines += ["", book.family_name(family, lang)]
        for rule in chosen:
            if rule.family == family:
                lines += _rule(rule, words, (column, level), width)
    return "\n".join([*lines[1:], "", words("rules.count", count=len(chosen)), words("explain-hint")])


def _rule(rule: Rule, words: Words, columns: tuple[int, int], width: int) -> list[str]:
    cells_of = (rule.code, words(f"severity.{rule.severity}"))
    head = "  " + "".join(pad(text, column) for text, column in zip(cells_of, columns, strict=True))
    first, *rest = wrap(rule.title(words.lang), width - cells(head))
    return [head + first, *(" " * cells(head) + line for line in rest)]


def rules_json(book: Rulebook, chosen: list[Rule]) -> str:
    """Return the rules as a JSON list."""
    rows = [
        {
            "code": rule.code,
            "family": rule.family,
            "kind": rule.kind,
            "severity": rule.severity,
            "evidence": rule.evidence,
            "preview": rule.preview,
            "title": {lang: rule.title(lang) for lang in ("en", "zh")},
            "off": book.off.get(rule.code),
        }
        for rule in chosen
    ]
    return json.dumps(rows, indent=2, ensure_ascii=False)


def signals(specs: Iterable[SignalSpec], lang: str, width: int) -> str:
    """Return the signals by module, each with its type, unit and meaning."""
    words = Words(lang)
    groups: dict[str, list[SignalSpec]] = {}
    for spec in sorted(specs, key=lambda spec: (spec.module, spec.name)):
        groups.setdefault(spec.module.rpartition(".")[2], []).append(spec)
    lines = []
    for group, members in groups.items():
        lines += ["", group]
        for spec in members:
            lines += _signal(spec, words, width)
    count = sum(map(len, groups.values()))
    return "\n".join([*lines[1:], "", words("signals.count", count=count)])


def _signal(spec: SignalSpec, words: Words, width: int) -> list[str]:
    kind, unit = told_in(words.lang, "kinds", spec.type, spec.type), told_in(words.lang, "units", spec.unit, spec.unit)
    aside = words("comma").join(dict.fromkeys(filter(None, (kind, unit))))
    needs = f"{words('needs')}{words('colon')}{spec.needs_zh if words.lang == 'zh' else spec.needs}"
    lines = [*wrap(_meaning(spec, words.lang), width - 4), *wrap(needs, width - 4)]
    return [f"  {spec.name}{words('aside', text=aside)}", *(f"    {line}" for line in lines)]


def _meaning(spec: SignalSpec, lang: str) -> str:
    return told_in(lang, "meanings", spec.name, " ".join(spec.doc.split()))


def signals_json(specs: Iterable[SignalSpec], lang: str) -> str:
    """Return the signals as a JSON list, their meanings in a language."""
    fields = ("name", "type", "unit", "doc", "needs", "needs_zh", "module")
    rows = [{field: getattr(spec, field) for field in fields} | {"doc": _meaning(spec, lang)} for spec in specs]
    return json.dumps(sorted(rows, key=lambda row: row["name"]), indent=2, ensure_ascii=False)
