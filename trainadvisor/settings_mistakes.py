"""Every mistake in a project's settings at once, each with its line."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from trainadvisor import configuration, settings
from trainadvisor.errors import ConfigError, RuleError, TrainAdvisorError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

# Tables whose entries are settings of their own, so that a mistake in one leaves the others to be read.
TABLES = ("rules", "thresholds", "off", "require", "record")


@dataclass(frozen=True)
class Piece:
    """One setting by itself: its key, the value with nothing else in it, and the names that lead to it."""

    key: str
    value: Any
    names: tuple[str, ...]


def mistakes(configured: Callable[[configuration.Config], object]) -> list[str]:
    """Return a sentence for each mistake; `configured` raises for settings that do not fit the rules."""
    found: list[str] = []
    for path, section, table in configuration.sections():
        text = path.read_text(encoding="utf-8")
        for piece in _pieces(section):
            message = _mistake(piece, settings.Place(str(path), path, table), configured)
            if message is not None:
                found.append(_placed(message, path, _line(text, piece.names)))
    return found


def _pieces(section: Any) -> Iterator[Piece]:
    """Take a section apart."""
    if not isinstance(section, dict):
        yield Piece("", section, ())
        return
    for key, value in section.items():
        if key in TABLES and isinstance(value, dict):
            yield from (
                Piece(key, {name: {part: inner} if part else inner}, (key, name, *([part] if part else [])))
                for name, entry in value.items()
                for part, inner in (entry.items() if isinstance(entry, dict) and entry else [("", entry)])
            )
        elif key == "accept" and isinstance(value, list):
            yield from (Piece(key, [entry], (key, *_code(entry))) for entry in value)
        else:
            yield Piece(key, value, (key,))


def _code(entry: Any) -> tuple[str, ...]:
    return (str(entry["code"]),) if isinstance(entry, dict) and "code" in entry else ()


def _mistake(piece: Piece, place: settings.Place, configured: Callable[[configuration.Config], object]) -> str | None:
    """Return what is wrong with one setting, None where nothing is."""
    try:
        found = settings.flat({piece.key: piece.value} if piece.key else piece.value, place)
        config = configuration.of_entries({name: (value, place.source) for name, value in found.items()}, place.path)
        configured(replace(config, rules=()) if piece.key != "rules" else config)
    except (ConfigError, RuleError) as error:
        return str(error)
    except TrainAdvisorError as error:
        return f"{place.source}: {error}"
    return None


def _placed(message: str, path: Path, line: int | None) -> str:
    return message.replace(f"{path}:", f"{path}:{line}:", 1) if line is not None else message


def _line(text: str, names: tuple[str, ...]) -> int | None:
    """Return the line where the last of some names is written, below those before it where they are tables."""
    start, found = 0, None
    lines = text.splitlines()
    for name in names:
        pattern = re.compile(rf"""(?:^|[\s.\[{{,"'])["']?{re.escape(name)}["']?(?=\s*[\].="'])""")
        place = next((at for at in range(start, len(lines)) if pattern.search(lines[at])), None)
        if place is not None:
            start = found = place
    return None if found is None else found + 1
