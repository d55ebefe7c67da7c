"""The settings of a project: [tool.trainadvisor] in the nearest pyproject.toml; the command line wins over them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainadvisor.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

LANGUAGES = ("en", "zh", "auto")


@dataclass(frozen=True)
class Config:
    """What a project has set; `source` is the file it came from, None when nothing was set."""

    lang: str | None = None
    rules: tuple[Path, ...] = ()
    thresholds: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    off: Mapping[str, str] = field(default_factory=dict)
    source: Path | None = None


KEYS = ("lang", "rules", "thresholds", "off")


def load(folder: Path | None = None) -> Config:
    """Read the settings that hold in a folder (default: the current one)."""
    path = _nearest_pyproject((folder or Path.cwd()).resolve())
    if path is None:
        return Config()
    section = _section(path)
    return _config(section, path) if section is not None else Config()


def _nearest_pyproject(folder: Path) -> Path | None:
    candidates = (parent / "pyproject.toml" for parent in (folder, *folder.parents))
    return next((path for path in candidates if path.is_file()), None)


def _section(path: Path) -> Any:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        message = f"{path}: cannot be read as TOML ({error}); mend the file or run from another folder"
        raise ConfigError(message) from error
    tool = document.get("tool", {})
    return tool.get("trainadvisor") if isinstance(tool, dict) else None


def _config(section: Any, path: Path) -> Config:
    _demand(isinstance(section, dict), path, "", "must be a table")
    for key in section:
        known = f'has no key "{key}"{did_you_mean(key, KEYS)}; it has {", ".join(KEYS)}'
        _demand(key in KEYS, path, "", known)
    return Config(
        lang=_lang(section, path),
        rules=_rules(section, path),
        thresholds=_thresholds(section, path),
        off=_off(section, path),
        source=path,
    )


def _demand(holds: bool, path: Path, key: str, rule: str) -> None:  # noqa: FBT001 - reads like an assertion
    if not holds:
        place = f"[tool.trainadvisor] {key}".strip()
        message = f"{path}: {place} {rule}"
        raise ConfigError(message)


def _lang(section: dict[str, Any], path: Path) -> str | None:
    lang = section.get("lang")
    _demand(lang in (None, *LANGUAGES), path, "lang", f"must be one of {', '.join(LANGUAGES)}, not {lang!r}")
    return lang


def _rules(section: dict[str, Any], path: Path) -> tuple[Path, ...]:
    folders = section.get("rules", [])
    texts = isinstance(folders, list) and all(isinstance(folder, str) for folder in folders)
    _demand(texts, path, "rules", 'must be a list of folders, such as ["my-rules"]')
    return tuple(path.parent / folder for folder in folders)


def _thresholds(section: dict[str, Any], path: Path) -> dict[str, dict[str, float]]:
    tables = section.get("thresholds", {})
    _demand(isinstance(tables, dict), path, "thresholds", "must be a table of rule codes")
    for code, values in tables.items():
        table = isinstance(values, dict) and all(_is_number(value) for value in values.values())
        _demand(table, path, f"thresholds.{code}", "must be a table of numbers, such as { min_steps = 200 }")
    return {code: dict(values) for code, values in tables.items()}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _off(section: dict[str, Any], path: Path) -> dict[str, str]:
    reasons = section.get("off", {})
    _demand(isinstance(reasons, dict), path, "off", 'must be a table such as { class-imbalance = "by design" }')
    for code, reason in reasons.items():
        given = isinstance(reason, str) and bool(reason.strip())
        _demand(given, path, f"off.{code}", "must give the reason as text")
    return dict(reasons)
