"""The declaration of a change, next to the function that applies it."""

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


# The facts of a run, by their names in a diagnosis.
Run = Mapping[str, Any]


def _nothing(_: Any) -> None: ...


def _no_fact(_: Mapping[str, Any], __: Run) -> Mapping[str, Any]:
    return {}


@dataclass(frozen=True)
class Argument:
    """An argument of a change: the name of its type, its default, and the words allowed."""

    type: str
    default: Any
    choices: tuple[str, ...] = ()


class Order(IntEnum):
    """How far behind the other remedies of a diagnosis a change is tried."""

    USUAL = 0
    # Rarely applicable when a consequence asks for it.
    BEHIND_FOR_CONSEQUENCES = 1
    # Rarely applicable at all, unless the data are at fault.
    BEHIND = 2


@dataclass(frozen=True)
class Fallback:
    """Arguments that are worth trying when no finding asks for the change."""

    # Its position among the fallbacks of all changes, the lowest first.
    rank: int
    arguments: Mapping[str, Any]
    # Whether it is tried before the others if numbers became non-finite.
    keeps_finite: bool = False
    # Whether it is tried only if nothing is learned at all, and then before all others.
    only_unlearned: bool = False


@dataclass(frozen=True)
class ChangeSpec:
    """Everything declared about a change; used as a decorator on the function that applies it.

    The function takes the application and typed, keyword-only arguments; its docstring says what the change does.
    """

    name: str
    # The docstring in Chinese.
    zh: str = ""
    # What the change cannot do.
    limits: str = ""
    limits_zh: str = ""
    # Whether it alters the meaning of the training loss.
    rescales_loss: bool = False
    # Whether the loss of the first step is unchanged, given the same seed.
    acts_after_first_step: bool = False
    # Whether a run with it may take fewer steps than one without.
    may_end_early: bool = False
    # Whether a run with it can be compared step by step with one without.
    comparable: bool = True
    # Whether it is never combined with others: it is rarely applicable, or changes how much is trained.
    alone: bool = False
    # Whether it mends only some of what is asked of it; the rest has to be mended in the script.
    partial: bool = False
    # Whether it undoes what a script may do on purpose: not tried where another cause explains what it is to mend.
    overrules: bool = False
    # Whether its arguments are specific to a run, so that another seed needs others.
    per_run: bool = False
    # Whether it acts on what other changes insert.
    applied_last: bool = False
    # The arguments for less and for more of a quantity that exists once per run, with `value` and `factor`.
    both_ways: tuple[Mapping[str, Any], ...] = ()
    order: Order = Order.USUAL
    fallbacks: tuple[Fallback, ...] = ()
    # The source edits that make it permanent in the script.
    edits: tuple[LineEdit, ...] = ()
    # Returns the facts of a run that it sets, with their new values, as far as facts tell what it does.
    sets: Callable[[Mapping[str, Any], Run], Mapping[str, Any]] = _no_fact
    # What it does with its arguments, in English and Chinese, for use without a finding.
    does: tuple[str, str] = NEITHER
    # What is not the cause if it has no effect, in English and Chinese.
    rules_out: tuple[str, str] = NEITHER
    function: Callable[..., None] = _nothing

    def __call__(self, function: Callable[..., None]) -> Callable[..., None]:
        """Register the function as this change."""
        declared.append(replace(self, function=function))
        return function

    @cached_property
    def doc(self) -> str:
        """Return the description of the change in English."""
        return " ".join((self.function.__doc__ or "").split())

    @cached_property
    def arguments(self) -> dict[str, Argument]:
        """Return its arguments by name; raise TypeError for a type that rules cannot express."""
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
