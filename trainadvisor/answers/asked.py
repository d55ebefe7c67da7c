"""The questions of rules/questions, as people ask them, with those that answers and rules name themselves."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from trainadvisor.answers.likeness import Examples
from trainadvisor.errors import RuleError
from trainadvisor.judge.compiled_file import keep, kept, may_keep, place
from trainadvisor.judge.rulebook import QUESTIONS
from trainadvisor.toml import read_toml

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from trainadvisor.answers.matching import Topic

LANGUAGES = {"en", "zh"}
ELSEWHERE = "elsewhere"  # the table of questions that no answer is about
# What decides how a question is read.
READING = ("likeness.py", "learned.py", "meaning.py", "comparison.py", "figures.py", "concepts.toml")


@cache
def load(folder: Path) -> tuple[tuple[str, str], ...]:
    """Return the questions of a folder of rules, each with the name of its answer."""
    return tuple(pair for path in files(folder) for pair in _of_file(path))


def files(folder: Path) -> list[Path]:
    """Return the files of questions in a folder of rules."""
    return sorted((folder / QUESTIONS).glob("*.toml"))


def _of_file(path: Path) -> Iterator[tuple[str, str]]:
    for name, table in read_toml(path, RuleError, "mend the file of questions").items():
        if (
            not isinstance(table, dict)
            or set(table) != LANGUAGES
            or not all(isinstance(t, str) for t in table.values())
        ):
            raise RuleError(f"{path}: {name} must have the texts en and zh, one question a line")
        for text in table.values():
            yield from ((name, line.strip()) for line in text.splitlines() if line.strip())


def problems(folder: Path, names: Iterable[str]) -> list[str]:
    """Return what is wrong with the questions of a folder of rules, one sentence each."""
    try:
        pairs = load(folder)
    except RuleError as error:
        return [str(error)]
    known = {*names, ELSEWHERE}
    unknown = sorted({name for name, _ in pairs if name not in known})
    found = [f"{folder / QUESTIONS}: {name} is neither an answer nor a rule; mend the name" for name in unknown]
    first: dict[str, str] = {}
    for name, text in pairs:
        if first.setdefault(text.lower(), name) != name:
            found.append(f"{folder / QUESTIONS}: {text!r} stands under {first[text.lower()]} and {name}; keep one")
    return found


def examples(folder: Path, topics: Iterable[Topic]) -> Examples:
    """Return all questions with known answers: those of the folder, and the titles and search words of topics."""
    own = ((topic.name, text) for topic in topics for text in (*topic.searches, *topic.titles) if text)
    pairs = list(dict.fromkeys([*load(folder), *own]))
    names, texts = [name for name, _ in pairs], [text for _, text in pairs]
    digest = _digest(names, texts)
    tables = kept(_place(), digest)
    if tables is not None:
        return Examples(names, texts, tables["told"], tables["norms"], tables["weights"])
    made = Examples(names, texts)
    if may_keep():
        keep(_place(), digest, {"told": list(made.told), "norms": list(made.norms), "weights": made.weights})
    return made


def _digest(names: list[str], texts: list[str]) -> str:
    """Return what changes with any question, and with how questions are read."""
    total = hashlib.sha256()
    for name in READING:
        total.update(Path(__file__).with_name(name).read_bytes())
    total.update("\n".join((*names, *texts)).encode())
    return total.hexdigest()


def _place() -> Path:
    return place(__file__, "questions.json")
