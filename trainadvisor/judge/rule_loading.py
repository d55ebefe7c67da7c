"""Loads rules: those that ship with the package, those of a project, and folders of users, which are checked first."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from trainadvisor import configuration
from trainadvisor.errors import RuleError
from trainadvisor.judge.compiled_rules import shipped
from trainadvisor.judge.rulebook import FAMILIES, Rule, Rulebook, read, rule_files, rule_of, shipped_rules
from trainadvisor.regular import is_folder


def load(folders: Iterable[str | Path] = ()) -> Rulebook:
    """Load the shipped rules and those of further folders; a later folder replaces rules of the same code."""
    rules, families = shipped(shipped_rules())
    rules, families = dict(rules), _named(families, shipped_rules() / FAMILIES)
    for folder in map(Path, folders):
        rules |= _strictly(folder)
        families |= _families(folder)
    order = list(families)
    ranked = sorted(rules.values(), key=lambda rule: order.index(rule.family) if rule.family in order else len(order))
    return Rulebook({rule.code: rule for rule in ranked}, families)


def of_project(folders: Iterable[str | Path] = ()) -> Rulebook:
    """Load the shipped rules, those of the project's settings, and those of more folders."""
    return load([*configuration.load().rules, *folders])


def _strictly(folder: Path) -> dict[str, Rule]:
    """Load a user's folder: what is wrong in it is said before anything is judged."""
    if not is_folder(folder):
        raise RuleError(f"{folder}: no such folder of rules; check the path")
    # Imported here: what checks rules takes longer to import than the shipped ones, checked before, take to load.
    from trainadvisor.judge.rule_checks import check_rules

    if problems := check_rules([folder]):
        more = (
            f" (and {len(problems) - 1} more; trainadvisor rules check {folder} lists them)"
            if len(problems) > 1
            else ""
        )
        raise RuleError(problems[0] + more)
    return {path.stem: rule_of(path, read(path)) for path in rule_files(folder)}


def _families(folder: Path) -> dict[str, Any]:
    path = folder / FAMILIES
    return _named(read(path), path) if path.is_file() else {}


def _named(table: dict[str, Any], path: Path) -> dict[str, Any]:
    entries = table.get("family", [])
    if not isinstance(entries, list) or not all(map(_is_family, entries)):
        raise RuleError(f'{path}: family must be tables such as {{ name = "data", en = "Data", zh = "数据" }}')
    return {entry["name"]: entry for entry in entries}


def _is_family(entry: object) -> bool:
    return isinstance(entry, dict) and "name" in entry and all(isinstance(value, str) for value in entry.values())
