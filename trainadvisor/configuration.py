"""The effective settings: flags over TRAINADVISOR_* over the nearest pyproject.toml over trainadvisor.toml."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainadvisor import settings
from trainadvisor.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from trainadvisor.requirements import Requirement
    from trainadvisor.settings import Accepted

KEYS = tuple(settings.KEYS)
FILE = "trainadvisor.toml"
PREFIX = "TRAINADVISOR_"
VARIABLES = {
    f"{PREFIX}{name.upper().replace('-', '_').replace('.', '_')}": name
    for name in (
        "lang",
        "fail-on",
        "min-confidence",
        "min-steps",
        "max-unchecked",
        "baseline",
        "record.every",
        "record.max-overhead",
    )
}
SWITCHES = ("TRAINADVISOR", "TRAINADVISOR_DEBUG")


@dataclass(frozen=True)
class Config:
    """The settings of a project; `source` is their file, None when nothing was set."""

    lang: str | None = None
    rules: tuple[Path, ...] = ()
    thresholds: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    off: Mapping[str, str] = field(default_factory=dict)
    levels: Mapping[str, str] = field(default_factory=dict)
    ignored: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    fail_on: str | None = None
    min_confidence: str | None = None
    min_steps: int | None = None
    max_unchecked: int | None = None
    baseline: Path | None = None
    require: tuple[Requirement, ...] = ()
    accept: tuple[Accepted, ...] = ()
    every: int | None = None
    max_overhead: float | None = None
    source: Path | None = None
    # Each setting by its dotted name: its value and its origin.
    entries: Mapping[str, tuple[Any, str]] = field(default_factory=dict, compare=False, repr=False)


def load(folder: Path | None = None) -> Config:
    """Read the effective settings of a folder (default: the current one)."""
    entries: dict[str, tuple[Any, str]] = {}
    used = None
    for path, section, table in sections(folder):
        found = settings.flat(section, settings.Place(str(path), path, table))
        entries |= {name: (value, str(path)) for name, value in found.items()}
        used = path
    return of_entries(entries | _environment(os.environ), used)


def sections(folder: Path | None = None) -> Iterator[tuple[Path, Any, str]]:
    """Yield each file that holds for a folder, what it sets, and the table it sets it in; the strongest last."""
    here = (folder or Path.cwd()).resolve()
    project, own = _nearest(here, "pyproject.toml"), _nearest(here, FILE)
    for path, section, table in ((own, _whole(own), ""), (project, _section(project), "[tool.trainadvisor] ")):
        if path is not None and section is not None:
            yield path, section, table


def _nearest(folder: Path, name: str) -> Path | None:
    return next((parent / name for parent in (folder, *folder.parents) if (parent / name).is_file()), None)


def _whole(path: Path | None) -> Any:
    return settings.read_toml(path) if path else None


def _section(path: Path | None) -> Any:
    tool = settings.read_toml(path).get("tool", {}) if path else {}
    return tool.get("trainadvisor") if isinstance(tool, dict) else None


def _environment(variables: Mapping[str, str]) -> dict[str, tuple[Any, str]]:
    """Read TRAINADVISOR_* variables; a probable misspelling is refused, other unknown ones are ignored."""
    entries: dict[str, tuple[Any, str]] = {}
    for variable, text in variables.items():
        if VARIABLES.get(variable, "lang") != "lang" and text:  # the language is chosen where it is used
            entries |= _variable(variable, text)
        elif variable.startswith(PREFIX) and variable not in (*VARIABLES, *SWITCHES):
            _refuse_slip(variable)
    return entries


def _refuse_slip(variable: str) -> None:
    from difflib import get_close_matches

    names = [name.removeprefix(PREFIX) for name in VARIABLES]
    if near := get_close_matches(variable.removeprefix(PREFIX), names, n=1, cutoff=0.75):
        message = f'environment: {variable} is no setting; did you mean "{PREFIX}{near[0]}"?'
        raise ConfigError(message)


def _variable(variable: str, text: str) -> dict[str, tuple[Any, str]]:
    key, _, inner = VARIABLES[variable].partition(".")
    place = settings.Place(f"environment variable {variable}", table="")
    found = settings.KEYS[key](key, {inner: text} if inner else text, place)
    return {name: (value, place.source) for name, value in found.items()}


def of_entries(entries: dict[str, tuple[Any, str]], source: Path | None) -> Config:
    """Return the settings that stand by dotted name with their origins."""
    values = {name: value for name, (value, _) in entries.items()}
    levels = {
        code: level for code, level in _inner(values, "rules").items() if isinstance(level, str) and "." not in code
    }
    return Config(
        lang=values.get("lang"),
        rules=values.get("rule-folders", ()),
        thresholds=_nested(_inner(values, "thresholds")),
        off=_off(entries, levels),
        levels={code: level for code, level in levels.items() if level != "off"},
        ignored=_part(values, "ignore-modules"),
        fail_on=values.get("fail-on"),
        min_confidence=values.get("min-confidence"),
        min_steps=values.get("min-steps"),
        max_unchecked=values.get("max-unchecked"),
        baseline=values.get("baseline"),
        require=tuple(_inner(values, "require").values()),
        accept=tuple(_inner(values, "accept").values()),
        every=values.get("record.every"),
        max_overhead=values.get("record.max-overhead"),
        source=source,
        entries=entries,
    )


def _inner(values: Mapping[str, Any], table: str) -> dict[str, Any]:
    return {name.partition(".")[2]: value for name, value in values.items() if name.startswith(f"{table}.")}


def _part(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return one part of each entry of [rules], by code."""
    inner = _inner(values, "rules")
    return {code.removesuffix(f".{name}"): value for code, value in inner.items() if code.endswith(f".{name}")}


def _nested(values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    tables: dict[str, dict[str, Any]] = {}
    for name, value in values.items():
        code, _, key = name.partition(".")
        tables.setdefault(code, {})[key] = value
    return tables


def _off(entries: Mapping[str, tuple[Any, str]], levels: Mapping[str, str]) -> dict[str, str]:
    """Return the disabled rules with their reasons; the default reason is the file that disables them."""
    values = {name: value for name, (value, _) in entries.items()}
    reasons = _part(values, "reason")
    off = [code for code, level in levels.items() if level == "off"]
    return {code: reasons.get(code, Path(entries[f"rules.{code}"][1]).name) for code in off} | _inner(values, "off")
