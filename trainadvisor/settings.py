"""The schema of the settings: their names, their types, and the error messages for invalid ones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainadvisor import toml
from trainadvisor.errors import ConfigError, UsageError, did_you_mean
from trainadvisor.requirements import Requirement, parse
from trainadvisor.vocabulary import FAIL_ON, RULE_LEVELS, SURENESS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

LANGUAGES = ("en", "zh", "auto")
RECORD = ("every", "max-overhead")
ACCEPT = ("code", "reason", "until")
LONGEST_COUNT = 15


@dataclass(frozen=True)
class Accepted:
    """A finding that a project accepts: why, and until when."""

    code: str
    reason: str
    until: date | None = None


@dataclass(frozen=True)
class Place:
    """Where a setting is written, for error messages."""

    source: str
    path: Path | None = None
    table: str = "[tool.trainadvisor] "

    def demand(self, holds: object, key: str, rule: str) -> None:
        """Raise ConfigError naming the place unless the rule holds."""
        if not holds:
            message = f"{self.source}: {f'{self.table}{key}'.strip()} {rule}"
            raise ConfigError(message)

    def known(self, name: str, names: Iterable[str], key: str = "") -> None:
        """Reject a name that is not in the list, and suggest the closest one."""
        names = list(names)
        hint = did_you_mean(name, names) or f"; it has {', '.join(names)}"
        self.demand(name in names, key, f'has no key "{name}"{hint}')


def read_toml(path: Path) -> dict[str, Any]:
    """Parse a file of settings."""
    return toml.read_toml(path, ConfigError, "mend the file or run from another folder")


def flat(section: Any, place: Place) -> dict[str, Any]:
    """Return checked settings by dotted name, such as "off.class-imbalance"."""
    place.demand(isinstance(section, dict), "", "must be a table")
    found: dict[str, Any] = {}
    for key, value in section.items():
        place.known(key, KEYS)
        found |= KEYS[key](key, value, place)
    return found


def _choice(choices: Mapping[str, str] | Iterable[str]) -> Callable[[str, Any, Place], dict[str, Any]]:
    words = dict(choices) if isinstance(choices, dict) else {word: word for word in choices}

    def read(key: str, value: Any, place: Place) -> dict[str, Any]:
        known = isinstance(value, str) and value in words
        place.demand(known, key, f"must be one of {', '.join(words)}, not {value!r}")
        return {key: words[value]}

    return read


def _count(key: str, value: Any, place: Place) -> dict[str, Any]:
    whole = isinstance(value, str) and value.isdecimal() and len(value) <= LONGEST_COUNT
    whole = whole or (isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**LONGEST_COUNT)
    place.demand(whole, key, f"must be a whole number, not {value!r}")
    return {key: int(value)}


def _file(key: str, value: Any, place: Place) -> dict[str, Any]:
    place.demand(isinstance(value, str) and value, key, "must be the path of a file")
    return {key: place.path.parent / value if place.path else Path(value)}


def _folders(key: str, value: Any, place: Place) -> dict[str, Any]:
    texts = isinstance(value, list) and all(isinstance(folder, str) for folder in value)
    place.demand(texts, key, 'must be a list of folders, such as ["my-rules"]')
    return {"rule-folders": tuple(place.path.parent / folder if place.path else Path(folder) for folder in value)}


def _rules(key: str, value: Any, place: Place) -> dict[str, Any]:
    """Read either a list of folders or a table of codes."""
    if not isinstance(value, dict):
        return _folders(key, value, place)
    found: dict[str, Any] = {}
    for code, entry in value.items():
        found |= _rule(code, entry if isinstance(entry, dict) else {"level": entry}, place)
    return found


def _rule(code: str, entry: dict[str, Any], place: Place) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in entry.items():
        key = f"rules.{code}.{name}"
        if name == "level":
            place.demand(
                value in RULE_LEVELS,
                f"rules.{code}",
                f"must be one of {', '.join(RULE_LEVELS)}, or a table with a level",
            )
            found[f"rules.{code}"] = value
        elif name == "reason":
            place.demand(isinstance(value, str) and value.strip(), key, "must give the reason as text")
            found[key] = value
        elif name == "ignore-modules":
            texts = isinstance(value, list) and all(isinstance(item, str) for item in value)
            place.demand(texts, key, 'must be a list of patterns, such as ["backbone.*"]')
            found[key] = tuple(value)
        else:
            place.demand(toml.is_number(value), key, "must be a number: it is a threshold of the rule")
            found[f"thresholds.{code}.{name}"] = value
    return found


def _thresholds(key: str, value: Any, place: Place) -> dict[str, Any]:
    place.demand(isinstance(value, dict), key, "must be a table of rule codes")
    found: dict[str, Any] = {}
    for code, values in value.items():
        table = isinstance(values, dict) and all(map(toml.is_number, values.values()))
        place.demand(table, f"{key}.{code}", "must be a table of numbers, such as { min_steps = 200 }")
        found |= {f"{key}.{code}.{name}": number for name, number in values.items()}
    return found


def _off(key: str, value: Any, place: Place) -> dict[str, Any]:
    place.demand(isinstance(value, dict), key, 'must be a table such as { class-imbalance = "by design" }')
    for code, reason in value.items():
        place.demand(isinstance(reason, str) and reason.strip(), f"{key}.{code}", "must give the reason as text")
    return {f"{key}.{code}": reason for code, reason in value.items()}


def _require(key: str, value: Any, place: Place) -> dict[str, Any]:
    place.demand(isinstance(value, dict), key, 'must be a table such as { val_loss = "<= 0.3" }')
    return {f"{key}.{metric}": _requirement(f"{key}.{metric}", metric, text, place) for metric, text in value.items()}


def _requirement(key: str, metric: str, text: Any, place: Place) -> Requirement:
    place.demand(isinstance(text, str), key, 'must be text such as "<= 0.3"')
    try:
        return parse(f"{metric} {text}")
    except UsageError as error:
        message = f"{place.source}: {place.table}{key}: {error}"
        raise ConfigError(message) from error


def _record(key: str, value: Any, place: Place) -> dict[str, Any]:
    place.demand(isinstance(value, dict), key, 'must be a table such as { every = 10, max-overhead = "2 %" }')
    found: dict[str, Any] = {}
    for name, entry in value.items():
        place.known(name, RECORD, key)
        found |= _count(f"{key}.{name}", entry, place) if name == "every" else _share(f"{key}.{name}", entry, place)
    return found


def _share(key: str, value: Any, place: Place) -> dict[str, Any]:
    try:
        share = parse(f"overhead <= {value}").limit
    except UsageError:
        share = -1.0
    place.demand(0 < share < 1, key, f'must be a share such as "2 %", not {value!r}')
    return {key: share}


def _accept(key: str, value: Any, place: Place) -> dict[str, Any]:
    tables = isinstance(value, list) and all(isinstance(entry, dict) for entry in value)
    place.demand(tables, key, "must be written as [[tool.trainadvisor.accept]] tables")
    return {f"{key}.{entry.get('code')}": _accepted(key, entry, place) for entry in value}


def _accepted(key: str, entry: dict[str, Any], place: Place) -> Accepted:
    for name in entry:
        place.known(name, ACCEPT, key)
    code, reason = entry.get("code"), entry.get("reason")
    place.demand(isinstance(code, str) and code, key, "must name the code of the finding")
    place.demand(isinstance(reason, str) and reason.strip(), f"{key} {code}", "must give the reason as text")
    return Accepted(str(code), str(reason), _day(f"{key} {code}", entry.get("until"), place))


def _day(key: str, value: Any, place: Place) -> date | None:
    if value is None or (isinstance(value, date) and type(value) is date):
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        place.demand(False, key, f'must end on a day such as until = "2027-01-01", not {value!r}')  # noqa: FBT003 - it failed
        raise


KEYS: dict[str, Callable[[str, Any, Place], dict[str, Any]]] = {
    "lang": _choice(LANGUAGES),
    "rules": _rules,
    "rule-folders": _folders,
    "thresholds": _thresholds,
    "off": _off,
    "fail-on": _choice(FAIL_ON),
    "min-confidence": _choice(SURENESS),
    "min-steps": _count,
    "max-unchecked": _count,
    "baseline": _file,
    "require": _require,
    "record": _record,
    "accept": _accept,
}
