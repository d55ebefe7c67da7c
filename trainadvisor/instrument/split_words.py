"""Reads which split of the data the user's code says it works on: the value "val" of a variable `split`, say."""

import linecache
import re
import sys
from collections.abc import Iterable
from types import FrameType

from trainadvisor.frame_variables import variables_of
from trainadvisor.instrument import call_sites

TRAINING = frozenset({"train", "training", "tr"})
HELD_OUT = frozenset({"val", "valid", "validation", "dev", "eval", "evaluation", "test", "testing", "heldout"})
_WORDS = TRAINING | HELD_OUT
_LONGEST = 12
# Entries of a dictionary of loaders at most.
_ENTRIES = 16
_LETTERS = re.compile(r"[A-Za-z]+")
# The name of what is called says what is done, with which data the rest of a line does.
_CALLED = re.compile(r"\w+\s*\(")
# Functions in which frameworks evaluate.
_EVALUATING = frozenset({"evaluate", "validate", "validation_step"})
# The method of the user's that they call for that.
_HOOK = "validation_step"
# Words that name what is done as well as what it is done with.
_VERBS = frozenset({"eval", "evaluation", "testing"})


def split_word(frames: Iterable[FrameType]) -> str | None:
    """Return the word of the innermost frame that has exactly one variable, or several alike, that names a split."""
    for frame in frames:
        found = _words_in(frame)
        if found:
            return found.pop() if len(found) == 1 else None
    return None


def _words_in(frame: FrameType) -> set[str]:
    return {
        value.lower()
        for value in variables_of(frame).values()
        if type(value) is str and len(value) <= _LONGEST and value.lower() in _WORDS
    }


def split_in_names(frames: list[FrameType], thing: object, made: str) -> str | None:
    """Return "train" or "held-out" by the names that the user's code has for a thing, else by the lines that use it."""
    names = [name for frame in frames for name in _names_of(frame, thing)] if thing is not None else []
    target = made.partition("=")[0] if "=" in made.partition("(")[0] else ""
    lines = [_CALLED.sub("(", linecache.getline(frame.f_code.co_filename, frame.f_lineno)) for frame in frames]
    for text in (" ".join(names), target, *lines):
        words = {word.lower() for word in _LETTERS.findall(text)}
        kinds = {name for name, known in (("train", TRAINING), ("held-out", HELD_OUT - _VERBS)) if words & known}
        if kinds:
            return kinds.pop() if len(kinds) == 1 else None
    return None


def framework_evaluates() -> bool:
    """Return whether a framework's own evaluation is running, inside of the user's innermost line or as its hook."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and call_sites.rank(frame.f_code.co_filename) != call_sites.USERS:
        if frame.f_code.co_name in _EVALUATING and call_sites.rank(frame.f_code.co_filename):
            return True
        frame = frame.f_back
    while frame is not None and call_sites.rank(frame.f_code.co_filename) == call_sites.USERS:
        name, frame = frame.f_code.co_name, frame.f_back
    return frame is not None and name == _HOOK


def _names_of(frame: FrameType, thing: object) -> list[str]:
    """Return the variables that are a thing, and the keys that dictionaries have for it: loaders["val"]."""
    variables = variables_of(frame)
    kept = [value for value in variables.values() if type(value) is dict and len(value) <= _ENTRIES]
    keys = [key for value in kept for key, entry in value.items() if entry is thing and type(key) is str]
    return [name for name, value in variables.items() if value is thing] + keys
