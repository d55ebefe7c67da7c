"""Writes missing rule cases from the signals of real runs.

usage: python benchmarks/harvest.py FOLDER... [--sound PATTERN] [--cache FILE] [--write] [--only CODE]

Reads every log below the folders, and for each mutation that no case of a rule notices (`trainadvisor rules
check`) looks for a run that would: one on which the rule and its mutant disagree. Of these runs the fewest that
notice everything are printed as [[cases]], or appended to the rule files with --write. What is left is printed last:
no recorded run needs it. Nothing that is found in a run known to be healthy (--sound '*.healthy') becomes a case.
"""

import argparse
import json
import pickle
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from trainadvisor.errors import LogError
from trainadvisor.judge import mutations, rule_loading
from trainadvisor.judge.engine import judge_rule
from trainadvisor.judge.rule_verdict import FOUND, OFF
from trainadvisor.judge.rulebook import Rule
from trainadvisor.log.reader import read_log
from trainadvisor.signals import Signals, all_signals
from trainadvisor.signals.context import contexts

# Significant digits to try until the case gives the same outcome as the run.
DIGITS = (3, 4, 6, 17)
PLAIN = ("number", "truth", "word")

Case = dict[str, Any]
Run = tuple[str, Mapping[str, Any], list[str]]


def read(folders: Iterable[Path]) -> Iterator[Run]:
    """Yield name, signals and contexts of every log."""
    for path in sorted(path for folder in folders for path in folder.rglob("*.json")):
        try:
            log = read_log(path)
        except (LogError, OSError):
            continue
        signals = Signals(log)
        values = {name: signals.get(name) for name, spec in all_signals().items() if spec.type in PLAIN}
        name_of_run = f"{path.parent.name}/{path.stem}"
        yield name_of_run, {name: value for name, value in values.items() if value is not None}, sorted(contexts(log))


def read_by(rule: Rule) -> list[str]:
    """Return the signals that decide a rule, in the order in which it reads them."""
    parts = [*rule.variants]
    names = [name for part in parts for line in (*part.conditions, *part.exclusions) for name in line.names]
    for name in names:
        names += rule.computed[name].names if name in rule.computed else ()
    return [name for name in dict.fromkeys(names) if name in all_signals()]


def case_of(rule: Rule, run: Run) -> Case | None:
    """Return the case of a run, rounded as far as the outcome of the rule allows."""
    name, values, told = run
    known = {signal: values[signal] for signal in read_by(rule) if signal in values}
    around = [word for word in told if word in (*rule.off, *rule.soften)]
    exact = _judged(rule, known, around)
    for digits in DIGITS:
        rounded = {signal: _rounded(value, digits) for signal, value in known.items()}
        if _judged(rule, rounded, around) == exact:
            case = {"from": name, "is": exact[0], "signals": rounded}
            return case | ({"context": around} if around else {}) | ({"branch": exact[1]} if exact[1] else {})
    return None


def _judged(rule: Rule, signals: Mapping[str, Any], around: list[str]) -> tuple[str, str | None]:
    verdict = judge_rule(rule, signals, around)
    return "clear" if verdict.state == OFF else verdict.state, verdict.rule.branch if verdict.state == FOUND else None


def _rounded(value: Any, digits: int) -> Any:
    return float(f"{value:.{digits}g}") if isinstance(value, float) else value


def needed(rule: Rule, runs: Iterable[Run], sound: Iterable[str] = ()) -> tuple[list[Case], list[str]]:
    """Return the fewest cases that detect the undetected mutations, and the mutations that no run detects."""
    open_ = {m.what: m for m in mutations.mutations(rule) if not any(mutations.notices(rule, x) for x in m.mutants)}
    made = (case_of(rule, run) for run in runs) if open_ else ()
    cases = {json.dumps(case["signals"]): case for case in made if case and not _wrong(case, sound)}
    notice = {key: _noticed(rule, case, open_.values()) for key, case in cases.items()}
    chosen = []
    while any(notice.values()):
        best = max(notice, key=lambda key: (len(notice[key]), cases[key]["is"] != "unknown", -len(key)))
        chosen.append(cases[best])
        taken = notice[best]
        notice = {key: rest - taken for key, rest in notice.items()}
        open_ = {what: mutation for what, mutation in open_.items() if what not in taken}
    return chosen, list(open_)


def _wrong(case: Case, sound: Iterable[str]) -> bool:
    return case["is"] == "found" and any(fnmatchcase(case["from"], pattern) for pattern in sound)


def _noticed(rule: Rule, case: Case, open_: Iterable[mutations.Mutation]) -> set[str]:
    alone = replace(rule, cases=(case,))
    return {m.what for m in open_ if any(mutations.notices(alone, mutant) for mutant in m.mutants)}


def written(case: Case) -> str:
    """Return a case as TOML."""
    lines = ["", "[[cases]]", f"# {case['from']}", f"is = {_toml(case['is'])}"]
    lines += [f"{key} = {_toml(case[key])}" for key in ("branch", "context") if key in case]
    signals = ", ".join(f"{name} = {_toml(value)}" for name, value in case["signals"].items())
    return "\n".join([*lines, f"signals = {{ {signals} }}"]) + "\n"


def _toml(value: Any) -> str:
    return repr(value) if isinstance(value, float) else json.dumps(value, ensure_ascii=False)


def _runs(options: argparse.Namespace) -> list[Run]:
    if options.cache and options.cache.is_file():
        found: list[Run] = pickle.loads(options.cache.read_bytes())  # noqa: S301 - written by this program
        return found
    found = list(read(options.folders))
    if options.cache:
        options.cache.write_bytes(pickle.dumps(found))
    return found


def main() -> None:
    """Print or write the missing cases of all rules."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--sound", action="append", default=[], help="names of runs in which nothing is to be found")
    parser.add_argument("--cache", type=Path, help="keeps the signals, so that the logs are read once")
    parser.add_argument("--write", action="store_true", help="append the cases to the rule files")
    parser.add_argument("--only", help="one rule")
    options = parser.parse_args()
    runs, left = _runs(options), []
    for rule in rule_loading.load().rules.values():
        if options.only in (None, rule.code):
            cases, rest = needed(rule, runs, options.sound)
            text = "".join(map(written, cases))
            left += [f"{rule.code}: {what}" for what in rest]
            if options.write and text:
                rule.path.write_text(rule.path.read_text(encoding="utf-8").rstrip("\n") + "\n" + text, encoding="utf-8")
            elif text:
                print(f"## {rule.code}\n{text}")
    print(*left, f"{len(left)} mutations that no run notices", sep="\n")


if __name__ == "__main__":
    main()
