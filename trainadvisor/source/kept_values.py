"""Whether anything in a script may change a list or its options where they are named."""

from __future__ import annotations

import ast
import builtins
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainadvisor.source.script import Script

# Where a name is read and given to nobody.
READING = (ast.Compare, ast.BoolOp, ast.UnaryOp, ast.If, ast.IfExp, ast.While, ast.For, ast.comprehension,
           ast.FormattedValue, ast.arg)  # fmt: skip
# Where options get another name: what is bound to their attributes is looked for under any name.
RENAMING = (ast.Return, ast.Assign, ast.AnnAssign, ast.Tuple, ast.Dict)
# Methods that show what they are given, and libraries that do not change it.
SHOWING = frozenset({"info", "debug", "warning", "log", "print", "write"})
LIBRARIES = frozenset({"torch", "numpy", "wandb", "json", "pprint", "logging", "os", "random"})


def is_kept(script: Script, name: str, *, options: bool) -> bool:
    """Return whether what a name holds stays as it was made, a list or the options of `argparse`."""
    return all(_is_read(script, node, options=options) for node in script.of_type(ast.Name) if node.id == name)


def _is_read(script: Script, name: ast.Name, *, options: bool) -> bool:
    above = script.parents.get(name)
    around = script.parents.get(above) if above is not None else None
    if isinstance(above, ast.Subscript):
        return isinstance(above.ctx, ast.Load)
    if isinstance(above, ast.Attribute):  # a method may change what it is called on
        return not (isinstance(around, ast.Call) and around.func is above)
    call = around if isinstance(above, ast.keyword) else above
    if isinstance(call, ast.Call):
        return _only_reads(script, call, options=options)
    return isinstance(name.ctx, ast.Store) or isinstance(above, READING) or (options and isinstance(above, RENAMING))


def _only_reads(script: Script, call: ast.Call, *, options: bool) -> bool:
    """Return whether a call keeps what it is given: one that shows, or for options one of the script, read as well."""
    if isinstance(call.func, ast.Attribute):
        return call.func.attr in SHOWING or script.full(call.func).partition(".")[0] in LIBRARIES
    name = call.func.id if isinstance(call.func, ast.Name) else ""
    if name == "vars":  # gives the options themselves as a dictionary
        return isinstance(script.parents.get(call), (ast.Call, ast.keyword, ast.FormattedValue))
    own = name in script.classes or any(function.name == name for function in script.functions)
    return (own and options) or (not own and hasattr(builtins, name))
