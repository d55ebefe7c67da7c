"""The taps of a plan: what is asked first where each step is made of the same calls as the one before."""

import operator
import sys
from typing import Any

from torch.compiler import is_compiling

from trainadvisor.instrument.hidden_frame import veiled
from trainadvisor.instrument.module_calls import evaluates
from trainadvisor.instrument.patching import Quick, Run, Slot
from trainadvisor.instrument.plan_events import failed
from trainadvisor.instrument.running_events import running
from trainadvisor.instrument.shortcut_slot import slot
from trainadvisor.instrument.taps import (
    backward,
    backward_ended,
    backward_failed,
    batch,
    batch_ended,
    cleared,
    loss_made,
    zero_grad,
)

_is = operator.is_


def loss(kind: str) -> Quick:
    """Return what runs a loss function."""

    def made(function: Slot) -> Run:
        original, usual = function.original, function.run

        def run(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            plan = slot.plan
            if plan is None:
                return usual(args, kwargs)
            try:
                taken = plan.loss_begins(kind, len(args))
            except Exception as error:  # noqa: BLE001 - `failed` lets pass what is not ours
                taken = failed(plan, error)
            if not taken:
                return usual(args, kwargs) if taken is False else original(*args, **kwargs)
            try:
                result = original(*args, **kwargs)
            except BaseException:
                plan.loss_failed()
                raise
            try:
                if plan.loss(sys._getframe(2), kwargs, result):
                    return result
            except Exception as error:  # noqa: BLE001 - `failed` lets pass what is not ours
                failed(plan, error)
            loss_made(kind, args, function.given(kwargs), result)
            return result

        return veiled(run)

    return made


def dropout(function: Slot) -> Run:
    """Return what runs a dropout: as it is called, outside of a model in eval mode."""
    original, usual = function.original, function.run

    def run(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return usual(args, kwargs) if not is_compiling() and evaluates() else original(*args, **kwargs)

    return veiled(run)


def _zero_grad(function: Slot) -> Run:
    original, usual = function.original, function.run

    def run(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        plan = slot.plan
        if plan is None or not (id(args[0]) == plan.key or args[0] is plan.module()):
            try:
                if plan is not None:
                    plan.leave()
            except Exception as error:  # noqa: BLE001 - `failed` lets pass what is not ours
                failed(plan, error)
            return usual(args, kwargs)
        result = original(*args, **kwargs)
        try:
            if slot.plan is plan and plan.zero_grad():
                return result
        except Exception as error:  # noqa: BLE001 - `failed` lets pass what is not ours
            failed(plan, error)
        cleared(args, function.given(kwargs), result)
        return result

    return veiled(run)


def _backward(function: Slot) -> Run:
    original, usual, defaults = function.original, function.run, function.usual

    def run(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        plan = slot.plan
        if plan is None or not all(map(_is, kwargs.values(), defaults)):
            return usual(args, kwargs)
        try:
            taken = plan.backward_begins(args[0])
        except Exception as error:  # noqa: BLE001 - `failed` lets pass what is not ours
            taken = failed(plan, error)
        if not taken:
            return usual(args, kwargs)
        try:
            result = original(*args, **kwargs)
        except BaseException:
            backward_failed()
            raise
        try:
            if plan.backward_ends():
                return result
        except Exception as error:  # noqa: BLE001 - `failed` lets pass what is not ours
            failed(plan, error)
        backward_ended(args, {}, result)
        return result

    return veiled(run)


def _batch(function: Slot) -> Run:
    original, usual = function.original, function.run

    def run(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        plan = slot.plan
        if plan is None or "batch" in running.events:
            return usual(args, kwargs)
        try:
            taken = plan.batch_begins(args[0])
        except Exception as error:  # noqa: BLE001 - `failed` lets pass what is not ours
            taken = failed(plan, error)
        if not taken:
            return usual(args, kwargs)
        running.events.add("batch")
        try:
            drawn = original(*args, **kwargs)
        finally:
            running.events.discard("batch")
        try:
            plan = slot.plan or plan  # which the batch may have changed
            if plan.batch_ends(args, drawn):
                return drawn
        except Exception as error:  # noqa: BLE001 - `failed` lets pass what is not ours
            failed(plan, error)
        batch_ended(args, kwargs, drawn)
        return drawn

    return veiled(run)


RUNS: dict[Any, Quick] = {zero_grad: _zero_grad, backward: _backward, batch: _batch}
