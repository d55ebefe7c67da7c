"""Branches of a rule: the ways in which it can hold, each with its own conditions, sentences and remedies."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Branch:
    """One way in which a rule can hold: what is said and advised there before what the rule says and advises."""

    name: str
    when: tuple[str, ...]
    unless: tuple[str, ...] = ()
    texts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    remedies: tuple[Mapping[str, Any], ...] = ()
    # Patterns of the error that ended a script, one of which has to be found in it.
    crash: tuple[str, ...] = ()
    # From when on it may be judged, where that is not what the rule says.
    phase: str | None = None
    # How grave it is, where that is not what the rule says.
    severity: str | None = None
    # On what evidence, where that is not what the rule says.
    evidence: str | None = None
    # What it is about, where that is not what the rule says.
    site: str | None = None


def branch_of(data: Mapping[str, Any]) -> Branch:
    """Make a branch of its table in a rule file."""
    return Branch(
        name=data["name"],
        when=tuple(data.get("when", ())),
        crash=tuple(data.get("crash", ())),
        unless=tuple(data.get("unless", ())),
        texts={lang: data[lang] for lang in ("en", "zh") if lang in data},
        remedies=tuple(data.get("remedies", ())),
        phase=data.get("phase"),
        severity=data.get("severity"),
        evidence=data.get("evidence"),
        site=data.get("site"),
    )


def merged(shared: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return the texts of a branch: its own where it has any, and the evidence of both."""
    return {**shared, **own, "evidence": [*own.get("evidence", ()), *shared.get("evidence", ())]}


def numbered(prefix: str, when: tuple[str, ...], unless: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield conditions with their places, the first line being 1."""
    for key, lines in (("when", when), ("unless", unless)):
        yield from ((f"{prefix}{key}[{number}]", text) for number, text in enumerate(lines, 1))
