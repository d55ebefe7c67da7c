"""Fills the placeholders of rule texts: {name}, {name:format} or {name:format|words if so|words if not}."""

import math
import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from string import Formatter
from typing import Any

from trainadvisor.figures import agreeing, short, spaced, unspaced, written_out
from trainadvisor.log.cleaning import clean_text

ABSENT = {"en": "n/a", "zh": "未知"}
# Names that the engine gives to every text, besides signals, thresholds and values.
BUILT_IN = ("subjects", "layer", "layers", "layers_matched", "layers_total", "onset")

# Stands in a format of a hundred columns or digits and more: nothing for a text, but memory for as many as it says.
WIDE = re.compile("[0-9]{3}")

ASIDE = re.compile(r"\s?\([^()]*\)|（[^（）]*）")
# Where a sentence may be cut without a word losing its meaning: between clauses, else between their parts.
ENDS = (re.compile(r"; |；|\. |。"), re.compile(r", |，"))

# How a clause begins that can stand by itself.
WORDED = re.compile(r"\s*[\w{\"]")
# Characters of the names that a sentence lists.
LONGEST_LIST = 150
# A small negative number that its format leaves nothing of but the sign.
NOTHING = re.compile(r"-0(\.0*)?( ?%)?")
# {skill:below}: where a loss ended against that of a constant answer, in words that hold on either side of it.
BELOW = "below"
LEVELS = {
    "en": ("far below", "{} below", "level with", "{} above", "at {} times"),
    "zh": ("低得多", "低 {}", "基本持平", "高 {}", "达到 {} 倍"),
}
# How a multiple is told in Chinese: not 相比均值达到 45 倍.
MULTIPLE = re.compile(r"相比([^，。；：]{2,20}?)达到 (\S+ 倍)")
# {name:format|words if so|words if not} tells a truth, or a figure by its sign, in words.
OR, CHOICES = "|", 2
# A whole loss above that of a constant answer: from there on it is told as a multiple.
DOUBLED = -1.0
LEVEL = 0.005
_formatter = Formatter()


def placeholders(template: str) -> Iterator[tuple[str, str]]:
    """Yield name and format of each placeholder; raises ValueError for anything but a plain name."""
    for _, name, spec, conversion in _formatter.parse(template):
        if name is None:
            continue
        if not name.isidentifier() or conversion or "{" in (spec or "") or WIDE.search(spec or ""):
            shown = name + (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else "")
            message = f"{{{shown}}} is not a placeholder; write {{name}} or {{name:format}}, and {{{{ }}}} for braces"
            raise ValueError(message)
        yield name, spec or ""


def names_in(template: str) -> Iterator[str]:
    """Yield the names that a text is filled with."""
    return (name for _, name, _, _ in _formatter.parse(template) if name is not None)


def fill(template: str, lookup: Callable[[str], Any], lang: str = "en") -> tuple[str, bool]:
    """Return the text and whether every placeholder had a value."""
    parts, complete = [], True
    if lang == "en":
        template = agreeing(template, lambda name, spec: _rendered(lookup(name), spec, lang))
    for literal, name, spec, _ in _formatter.parse(template):
        parts.append(literal)
        if name is not None:
            value = lookup(name)
            complete = complete and value is not None
            parts.append(_rendered(value, spec or "", lang))
    text = "".join(parts)
    return MULTIPLE.sub(r"是\1的 \2", unspaced(text)) if lang == "zh" else text, complete


def _rendered(value: Any, spec: str, lang: str) -> str:
    if value is None:
        return ABSENT[lang]
    if spec.count(OR) == CHOICES:
        return _either(value, *spec.split(OR))
    if spec == BELOW and isinstance(value, (int, float)):
        return _level(value, lang)
    return shown(value, "" if spec == BELOW or WIDE.search(spec) else spec)


def _either(value: Any, spec: str, yes: str, no: str) -> str:
    """Return what is told of what is true or not negative, else the other; # is the figure without its sign."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return yes if value else no
    return (yes if value >= 0 else no).replace("#", shown(abs(value), spec))


def _level(saved: float, lang: str) -> str:
    """Return how a loss lies to another of which it saves a share: below it, level with it, above it."""
    far, below, level, above, times = LEVELS[lang]
    if saved > 1:
        return far
    if saved <= DOUBLED:
        return times.format(short(1 - saved, 2))
    return level if abs(saved) < LEVEL else (below if saved > 0 else above).format(shown(abs(saved), ".0%"))


def fill_known(template: str, lookup: Callable[[str], Any], lang: str = "en") -> str:
    """Return the text without the clauses that are about what is not known; empty where all of them are."""
    text, complete = fill(template, lookup, lang)
    if complete:
        return text
    template = ASIDE.sub(lambda part: part[0] if fill(part[0], lookup)[1] else "", template)
    for ends in ENDS:
        kept = [clause for clause in _clauses(template, ends) if WORDED.match(clause) and fill(clause, lookup)[1]]
        if kept:
            whole = fill("".join(kept).rstrip(" ,，;；.。"), lookup, lang)[0]
            whole = whole[:1].upper() + whole[1:] if template[:1].isupper() else whole
            return whole + (template.rstrip()[-1:] if template.rstrip()[-1:] in ".。" else "")
    return ""


def _clauses(template: str, ends: re.Pattern[str]) -> list[str]:
    """Return a template cut behind each end of a clause."""
    places = [0, *(match.end() for match in ends.finditer(template)), len(template)]
    return [template[start:stop] for start, stop in pairwise(places)]


def _listed(names: list[str]) -> str:
    """Return as many whole names as fit a sentence."""
    kept = [name for place, name in enumerate(names) if len(", ".join(names[: place + 1])) <= LONGEST_LIST]
    return ", ".join([*(kept or names[:1]), *(["..."] if len(kept or names[:1]) < len(names) else [])])


def shown(value: Any, spec: str = "") -> str:
    """Return a value as text: names cleaned, numbers without a format to three significant digits."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return _listed([clean_text(str(name)) for name in value])
    if isinstance(value, str) and not spec:
        return clean_text(value)
    if isinstance(value, float) and not spec:
        return f"{value:.0f}" if value == math.floor(value) and abs(value) < 1e6 else short(value)  # noqa: PLR2004
    try:
        text = format(round(value) if spec.endswith("d") and isinstance(value, float) else value, spec)
        return written_out(spaced(text.replace("-", "", 1) if NOTHING.fullmatch(text) else text))
    except (TypeError, ValueError, OverflowError):
        return clean_text(str(value))
