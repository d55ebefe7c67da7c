"""What is declared about a change, beside the function that applies it."""

import inspect
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import cached_property
from typing import Any, Literal

from trainadvisor.changes.line_edits import LineEdit

WORDS = {float: "number", int: "whole number", str: "word", bool: "truth"}
NEITHER = ("", "")


def _nothing(_: Any) -> None: ...


@dataclass(frozen=True)
class Argument:
    """An argument of a change: its type as a word, what it is when it is left out, the words it may be."""

    type: str
    default: Any
    choices: tuple[str, ...] = ()


class Order(IntEnum):
    """How far behind the other remedies of a diagnosis a change is tried."""

    USUAL = 0
    # It seldom finds its place where a consequence asks for it.
    BEHIND_FOR_CONSEQUENCES = 1
    # It seldom finds its place at all, except where the data are at fault.
    BEHIND = 2


@dataclass(frozen=True)
class Fallback:
    """Arguments that are worth a try where no finding asks for the change."""

    # Its place among the fallbacks of all changes, the lowest first.
    rank: int
    arguments: Mapping[str, Any]
    # Whether it is tried before the others where numbers were lost.
    keeps_finite: bool = False
    # Whether it is tried, before all others, only where nothing is learnt at all.
    only_unlearnt: bool = False


@dataclass(frozen=True)
class ChangeSpec:
    """All that is known of a change; as a decorator it declares a function as the change of that name.

    The function takes the application and typed, keyword-only arguments; its docstring says what the change does.
    """

    name: str
    # The docstring in Chinese.
    zh: str = ""
    # What the change cannot do.
    limits: str = ""
    limits_zh: str = ""
    # Whether the value of the training loss stands for something else afterwards.
    rescales_loss: bool = False
    # Whether the loss of the first step stays as it was, given the same seed.
    acts_after_first_step: bool = False
    # Whether a run with it may take fewer steps than one without.
    may_end_early: bool = False
    # Whether a run with it can be held against one without, step by step.
    comparable: bool = True
    # Whether it is never joined with others: it seldom finds its place, or changes how much is trained.
    alone: bool = False
    # Whether its arguments are those of one run, and another seed asks for others.
    per_run: bool = False
    # Whether it works on what other changes put in.
    applied_last: bool = False
    # The arguments for less and for more of a quantity with `value` and `factor`, of which a run has just one.
    both_ways: tuple[Mapping[str, Any], ...] = ()
    order: Order = Order.USUAL
    fallbacks: tuple[Fallback, ...] = ()
    # What makes it lasting in the lines of the script.
    edits: tuple[LineEdit, ...] = ()
    # What it does with its arguments, in English and Chinese, where no finding has words for that.
    does: tuple[str, str] = NEITHER
    # What is not the cause where it has no effect, in English and Chinese.
    rules_out: tuple[str, str] = NEITHER
    function: Callable[..., None] = _nothing

    def __call__(self, function: Callable[..., None]) -> Callable[..., None]:
        """Declare the function as this change."""
        declared.append(replace(self, function=function))
        return function

    @cached_property
    def doc(self) -> str:
        """Return what it does, in English."""
        return " ".join((self.function.__doc__ or "").split())

    @cached_property
    def arguments(self) -> dict[str, Argument]:
        """Return its arguments by name; raise TypeError for one that cannot be written into a rule."""
        hints = typing.get_type_hints(self.function)
        parameters = [p for p in inspect.signature(self.function).parameters.values() if p.kind is p.KEYWORD_ONLY]
        return {p.name: _argument(p, hints.get(p.name)) for p in parameters}


change = ChangeSpec
declared: list[ChangeSpec] = []


def _argument(parameter: inspect.Parameter, hint: Any) -> Argument:
    default = parameter.default if parameter.default is not inspect.Parameter.empty else None
    union = isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union
    kinds = [kind for kind in (typing.get_args(hint) if union else (hint,)) if kind is not type(None)]
    if len(kinds) == 1 and typing.get_origin(kinds[0]) is Literal:
        return Argument("word", default, typing.get_args(kinds[0]))
    if len(kinds) != 1 or kinds[0] not in WORDS:
        shown = getattr(hint, "__name__", hint)
        message = f"argument {parameter.name}: {shown} is no type of an argument; take float, int, str, bool or Literal"
        raise TypeError(message)
    return Argument(WORDS[kinds[0]], default)
