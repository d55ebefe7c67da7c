"""Names that a changed text reads where nothing gives them a value: such a change would end the script."""

from __future__ import annotations

import builtins
import symtable
from typing import TYPE_CHECKING

from trainadvisor import silence

if TYPE_CHECKING:
    from collections.abc import Iterator

# What Python binds in each module by itself.
GIVEN = frozenset({*dir(builtins), "__file__", "__annotations__", "__path__", "__builtins__"})
Unbound = frozenset[tuple[str, str]]


def unbound_since(before: str, after: str) -> Unbound:
    """Return the names that the later text alone reads without a value, each with the function it stands in.

    Nothing is known of a module that imports all names of another one.
    """
    return _unbound(after) - _unbound(before)


def _unbound(text: str) -> Unbound:
    try:
        with silence.parsing():
            module = symtable.symtable(text, "script", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()  # a cell of a notebook, or no Python: told elsewhere
    if "import *" in text:
        return frozenset()
    known = GIVEN | {symbol.get_name() for symbol in module.get_symbols() if _is_bound(symbol)}
    return frozenset(_read(module, known | _declared(module)))


def _is_bound(symbol: symtable.Symbol) -> bool:
    return symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace()


def _declared(table: symtable.SymbolTable) -> set[str]:
    """Return the names that functions give to the module."""
    own = {s.get_name() for s in table.get_symbols() if s.is_declared_global() and s.is_assigned()}
    return own.union(*map(_declared, table.get_children()))


def _read(table: symtable.SymbolTable, known: frozenset[str] | set[str]) -> Iterator[tuple[str, str]]:
    for symbol in table.get_symbols():
        free = symbol.is_global() or table.get_type() == "module"
        if symbol.is_referenced() and free and not _is_bound(symbol) and symbol.get_name() not in known:
            yield table.get_name(), symbol.get_name()
    for child in table.get_children():
        yield from _read(child, known)
