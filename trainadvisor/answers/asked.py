"""The questions of rules/questions, as people ask them, with those that answers and rules name themselves."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainadvisor.answers.field import field
from trainadvisor.answers.likeness import Examples
from trainadvisor.answers.matching import Read, reading
from trainadvisor.errors import RuleError
from trainadvisor.judge.compiled_file import keep, kept, may_keep, place
from trainadvisor.judge.rulebook import QUESTIONS
from trainadvisor.toml import read_toml

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from trainadvisor.answers.matching import Topic

LANGUAGES = {"en", "zh"}
LEARNED = "learned.json"  # in the folder of rules that ships: what is learned from its questions
ELSEWHERE = "elsewhere"  # the table of questions that no answer is about
# What decides how a question is read.
READING = (
    "likeness.py",
    "learned.py",
    "field.py",
    "meaning.py",
    "words.py",
    "sayings.py",
    "denials.py",
    "comparison.py",
    "figures.py",
    "concepts.toml",
)


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


@dataclass(frozen=True)
class Known:
    """What is known of questions: those with known answers, which words are of the field, and the topics' clauses."""

    examples: Examples
    words: dict[str, float]
    read: Read


def known(folder: Path, topics: Sequence[Topic]) -> Known:
    """Return all questions with known answers: those of the folder, and the titles and search words of topics."""
    pairs = _pairs(folder, topics)
    names, texts = [name for name, _ in pairs], [text for _, text in pairs]
    digest = _digest(pairs, topics)
    tables = kept(folder / LEARNED, digest) or kept(_place(), digest)
    if tables is not None:
        examples = Examples(names, texts, tables["told"], tables["norms"], tables["weights"])
        return Known(examples, tables["words"], tables["read"])
    made = _learned(pairs, topics)
    if may_keep():
        keep(_place(), digest, _tables(made))
    return made


def ship(folder: Path, topics: Sequence[Topic], target: Path) -> None:
    """Write what is learned from the questions of a folder to a file, which ships in that folder."""
    pairs = _pairs(folder, topics)
    keep(target, _digest(pairs, topics), _tables(_learned(pairs, topics)))


def _learned(pairs: list[tuple[str, str]], topics: Sequence[Topic]) -> Known:
    examples = Examples([name for name, _ in pairs], [text for _, text in pairs])
    return Known(examples, words_of(pairs, topics), reading(topics))


def _pairs(folder: Path, topics: Iterable[Topic]) -> list[tuple[str, str]]:
    own = ((topic.name, text) for topic in topics for text in (*topic.searches, *topic.titles) if text)
    return list(dict.fromkeys([*load(folder), *own]))


def _tables(made: Known) -> dict[str, Any]:
    examples = made.examples
    told, norms, weights = list(examples.told), list(examples.norms), examples.weights
    return {"told": told, "norms": norms, "weights": weights, "words": made.words, "read": made.read}


def words_of(pairs: Sequence[tuple[str, str]], topics: Iterable[Topic]) -> dict[str, float]:
    """Return which words are of the field: those of questions with an answer, and of the answers themselves."""
    asked = [text for name, text in pairs if name != ELSEWHERE]
    answered = [text for topic in topics for text in topic.texts]
    return field([*asked, *answered], [text for name, text in pairs if name == ELSEWHERE])


def _digest(pairs: Iterable[tuple[str, str]], topics: Iterable[Topic]) -> str:
    """Return what changes with any question, and with how questions are read."""
    total = hashlib.sha256()
    for name in READING:
        total.update(Path(__file__).with_name(name).read_bytes())
    told = (text for topic in topics for text in topic.texts)
    total.update("\n".join((*(part for pair in pairs for part in pair), *told)).encode())
    return total.hexdigest()


def _place() -> Path:
    return place(__file__, "questions.json")
