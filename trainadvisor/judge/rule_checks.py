"""`trainadvisor rules check`: everything that can be wrong with rule files, found without a log."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainadvisor.changes import catalogue
from trainadvisor.errors import RuleError, did_you_mean
from trainadvisor.judge import crash_rules
from trainadvisor.judge import rulebook as book
from trainadvisor.judge.conditions import Expression, parse
from trainadvisor.judge.engine import judge_rule
from trainadvisor.judge.remedies import is_expression
from trainadvisor.judge.rule_index import index_problems
from trainadvisor.judge.rule_schema import form_problems
from trainadvisor.judge.rule_verdict import FOUND, UNKNOWN
from trainadvisor.judge.rulebook import Rule
from trainadvisor.judge.source_checks import source_problems
from trainadvisor.judge.text_checks import text_problems
from trainadvisor.regular import is_folder
from trainadvisor.signals import all_signals
from trainadvisor.signals.context import CONTEXTS

CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
OPERATORS = re.compile(r"[*/+(]")
PLAIN_TYPES: dict[str, Any] = {"number": (int, float), "truth": bool, "word": str, "layers": dict, "names": list}


@dataclass(frozen=True)
class Known:
    """The names that rules may refer to."""

    signals: Mapping[str, str]
    codes: frozenset[str]


def check_rules(folders: Iterable[str | Path] = ()) -> list[str]:
    """Return the problems of all rule files in some folders (the shipped one without any), one sentence each."""
    if wrong := catalogue.problems():
        return wrong
    places = [Path(folder) for folder in folders] or [book.shipped_rules()]
    missing = [f"{folder}: no such folder of rules; check the path" for folder in places if not is_folder(folder)]
    files = [path for folder in places if is_folder(folder) for path in book.rule_files(folder)]
    codes = {path.stem for path in [*files, *book.rule_files(book.shipped_rules())]}
    known = Known({name: spec.type for name, spec in all_signals().items()}, frozenset(codes))
    problems = missing + _duplicates(files) + [problem for path in files for problem in check_file(path, known)]
    # The list can only be made of files that are sound.
    return problems or [problem for folder in places for problem in index_problems(folder)]


def _duplicates(files: list[Path]) -> list[str]:
    first: dict[str, Path] = {}
    return [
        f"{path}: the code {path.stem} is also {first[path.stem]}"
        for path in files
        if first.setdefault(path.stem, path) != path
    ]


def check_file(path: Path, known: Known) -> list[str]:
    """Return the problems of one file: first its form, then, if that is sound, its content."""
    try:
        data = book.read(path)
    except RuleError as error:
        return [str(error)]
    if problems := form_problems(data):
        return [f"{path}: {problem}" for problem in problems]
    rule = book.rule_of(path, data)
    found = [f"{path}: {problem}" for problem in [*_references(rule, known), *_thresholds(rule, known)]]
    broken = list(_expressions(rule, known))
    found += broken + [f"{path}: {problem}" for problem in text_problems(rule, known.signals)]
    return found if broken else found + [f"{path}: {problem}" for problem in _cases(rule, known)]


def _references(rule: Rule, known: Known) -> Iterator[str]:
    """Yield names of codes, signals, contexts and changes that do not exist."""
    if not CODE.fullmatch(rule.code):
        yield "the file name is the code; use small letters, digits and hyphens"
    if rule.share is not None and rule.scope != "layer":
        yield 'share: needs scope = "layer"'
    yield from _unknown("explains", rule.explains, known.codes, "rule")
    for key, entries in (("lookalikes", rule.lookalikes), ("rivals", rule.rivals)):
        yield from _unknown(key, (entry["code"] for entry in entries), known.codes, "rule")
    yield from _unknown("onset", filter(None, [rule.onset]), known.signals, "signal")
    yield from _unknown("subjects", filter(None, [rule.subjects]), known.signals, "signal")
    contexts = [*rule.off, *rule.soften, *(word for case in rule.cases for word in case.get("context", ()))]
    yield from _unknown("context", contexts, CONTEXTS, "context")
    changes = catalogue.all_changes()
    named = [entry for entry in rule.all_remedies if entry.get("change")]
    if rule.judges_runs and not rule.explains_crashes and len(named) < len(rule.all_remedies):
        yield "remedies.change: is missing; trainadvisor changes lists what a trial can apply"
    yield from _unknown("remedies.change", (entry["change"] for entry in named), changes, "change")
    for entry in (entry for entry in named if entry["change"] in changes):
        problems = catalogue.argument_problems(entry["change"], entry.get("arguments", {}))
        yield from (f"remedies: {problem}" for problem in problems)
    yield from _branches(rule)
    yield from crash_rules.problems(rule)
    if bool(rule.measures) != (rule.measured_by != "loss"):
        yield 'measures: are needed where measured_by is "time" or "memory", and only there'
    if rule.onset in known.signals and known.signals[rule.onset or ""] != "number":
        yield f"onset: {rule.onset} is not a number"
    if rule.site is None and any(entry.get("edit") for entry in rule.all_remedies):
        yield "remedies.edit: needs site, the object whose line is edited"


def _branches(rule: Rule) -> Iterator[str]:
    """Yield what is wrong with the branches as a whole: names, remedies."""
    names = [branch.name for branch in rule.branches]
    yield from (f"branches: two are called {name}" for name in dict.fromkeys(names) if names.count(name) > 1)
    for variant in rule.variants:
        if not (variant.when or variant.crash) and rule.judges_runs:
            yield "when: there is none; write a condition, or branches with one each"
        if not variant.remedies and rule.kind != "expected":
            yield f"remedies: there is none{f' for the branch {variant.branch}' if variant.branch else ''}; add one"
    wanted = (case["branch"] for case in rule.cases if case.get("branch"))
    yield from _unknown("cases.branch", wanted, names, "branch")
    told = (name for entry in rule.remedies for name in entry.get("branches", ()))
    yield from _unknown("remedies.branches", told, names, "branch")


def _unknown(key: str, names: Iterable[str], known: Iterable[str], what: str) -> Iterator[str]:
    options = set(known)
    yield from (
        f"{key}: no {what} is called {name}{did_you_mean(name, options)}" for name in names if name not in options
    )


def _thresholds(rule: Rule, known: Known) -> Iterator[str]:
    conditions = [text for _, text in rule.lines]
    lines = [*conditions, *rule.values.values(), *_argument_texts(rule), *_all_texts(rule)]
    for name in rule.thresholds:
        if name in known.signals or name in rule.values:
            yield f"thresholds.{name}: is also the name of a signal or value; choose another name"
        if not any(re.search(rf"\b{re.escape(name)}\b", line) for line in lines):
            yield f"thresholds.{name}: is never used; remove it"
    yield from (
        f"values.{name}: is also the name of a signal; choose another name"
        for name in rule.values
        if name in known.signals
    )


def _all_texts(rule: Rule) -> Iterator[str]:
    for part in (rule.texts, *(branch.texts for branch in rule.branches)):
        for texts in part.values():
            yield from (str(text) for text in texts.values())
    for entry in rule.all_remedies:
        yield from (str(entry.get(key, "")) for key in ("en", "zh", "code", "edit"))


def _argument_texts(rule: Rule) -> Iterator[str]:
    for entry in rule.all_remedies:
        yield from (value for value in entry.get("arguments", {}).values() if isinstance(value, str))


def _expressions(rule: Rule, known: Known) -> Iterator[str]:
    """Yield what is wrong with conditions, computed values and arguments; places are in the messages."""
    signals = {
        name: "number" if kind == "layers" and rule.scope == "layer" else kind for name, kind in known.signals.items()
    }
    types = {**signals, **dict.fromkeys(rule.thresholds, "number")}
    for name, text in rule.values.items():
        kind = yield from _checked(rule, f"values.{name}", text, types, functions=True)
        types[name] = kind or "number"
    for key, text in rule.lines:
        kind = yield from _checked(rule, key, text, types)
        if kind not in (None, "truth"):
            yield str(rule.place(key).error(f"is a {kind}; write a comparison such as steps >= 20"))
    for text in _argument_texts(rule):
        if is_expression(text, set(types)) or OPERATORS.search(text):
            yield from _checked(rule, "remedies.arguments", text, types, functions=True)


def _checked(rule: Rule, key: str, text: str, types: Mapping[str, str], *, functions: bool = False) -> Any:
    try:
        expression: Expression = parse(text, rule.place(key), functions=functions)
        return expression.check(types)
    except RuleError as error:
        yield str(error)
        return None


class CaseSignals:
    """The signals of a case."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values

    def get(self, name: str) -> Any:
        """Return the value that the case gives."""
        return self.values.get(name)


def _cases(rule: Rule, known: Known) -> Iterator[str]:
    yield from source_problems(rule)
    kinds = {case["is"] for case in rule.cases}
    if not rule.judges_runs:
        return
    yield from (f'cases: there is none with is = "{kind}"; add one' for kind in ("found", "clear") if kind not in kinds)
    for number, case in enumerate(rule.cases, 1):
        key = f"cases[{number}]"
        wrong = [
            *_unknown(f"{key}.signals", case["signals"], known.signals, "signal"),
            *_mistyped(key, case["signals"], known),
        ]
        yield from wrong or _run_case(rule, key, case)


def _mistyped(key: str, signals: Mapping[str, Any], known: Known) -> Iterator[str]:
    for name, value in signals.items():
        wanted = PLAIN_TYPES[known.signals.get(name, "number")]
        if name in known.signals and (
            not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool)
        ):
            yield f"{key}.signals.{name}: {value!r} is not a {known.signals[name]}"


def _run_case(rule: Rule, key: str, case: Mapping[str, Any]) -> Iterator[str]:
    verdict = judge_rule(rule, CaseSignals(case["signals"]), case.get("context", ()))
    state = "clear" if verdict.state == "off" else verdict.state
    if verdict.failure:
        yield f"{key}: fails with {verdict.failure}"
    elif state == case["is"] == FOUND and case.get("branch") not in (None, verdict.rule.branch):
        yield f"{key}: should be found by the branch {case['branch']} and is by {verdict.rule.branch}"
    elif state != case["is"]:
        lacking = f" (absent: {', '.join(verdict.missing)})" if verdict.state == UNKNOWN else ""
        yield f'{key}: should be "{case["is"]}" and is "{state}"{lacking}'
