"""Finds the probes: every class marked by `@probe` in a module of `record/probes/`."""

import functools
import importlib
import pkgutil
from typing import Any

from trainadvisor.record import probes
from trainadvisor.record.context import Context, is_probe


def probe_classes() -> list[type[Any]]:
    """Return the probes in the order in which they are told."""
    return list(_found_in(tuple(probes.__path__)))


@functools.cache
def _found_in(path: tuple[str, ...]) -> list[type[Any]]:
    """Read the folders once, however many recordings a process makes."""
    found = []
    for module in pkgutil.iter_modules(path, f"{probes.__name__}."):
        defined = vars(importlib.import_module(module.name)).values()
        found += [thing for thing in defined if is_probe(thing, module.name)]
    return sorted(found, key=lambda kind: (kind.probe_order, kind.__name__))


def make_probes(context: Context) -> list[Any]:
    """Make the probes of a recording."""
    several = context.processes > 1
    return [kind(context) for kind in probe_classes() if several or not kind.for_several_processes]
