"""A plugin of pytest that collects the tests once and tries each mutant in a fork: a fraction of a second each.

MUTANTS_JOBS names a file of mutants and their tests, MUTANTS_FORKED the file to which a line is written for each. The
functions of a fork get the code of the mutant, its file stands changed for what the tests start. What cannot be put
into a running program is told as "unsure"; what survives here may do so because of something kept from before.
"""

from __future__ import annotations

import ast
import gc
import importlib
import inspect
import json
import os
import signal
import sys
import time
from collections import defaultdict
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from mutations import Mutant

from trainadvisor.instrument.hidden_frame import VEIL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pytest

TREE = Path.cwd()
UNSURE, FAILED = 3, 1
failed: list[str] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note what fails."""
    if report.failed:
        failed.append(report.nodeid)


def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Try the mutants instead of running the tests."""
    if "MUTANTS_JOBS" not in os.environ:
        return None
    items = {item.nodeid: item for item in session.items}
    functions = _functions()
    gc.freeze()
    trusted: dict[str, bool] = {}
    with Path(os.environ["MUTANTS_FORKED"]).open("a", encoding="utf-8") as told:
        for job in json.loads(Path(os.environ["MUTANTS_JOBS"]).read_text(encoding="utf-8")):
            how, by = _tried(job, items, functions, trusted)
            told.write(json.dumps({"name": job["name"], "how": how, "by": by}) + "\n")
            told.flush()
    return True


def _functions() -> dict[str, list[FunctionType]]:
    found = defaultdict(list)
    gc.unfreeze()  # the tests' own conftest.py keeps from looks for garbage what is there
    objects = gc.get_objects()
    gc.freeze()
    for entry in objects:
        if type(entry) is FunctionType:
            found[_file(entry)].append(entry)
    return found


def _file(function: FunctionType) -> str:
    """Return the file in which a function stands, also of one behind the veil."""
    name = function.__code__.co_filename
    return str(function.__globals__.get("__file__", name)) if name == VEIL else name


def _tried(
    job: dict[str, Any],
    items: dict[str, pytest.Item],
    functions: dict[str, list[FunctionType]],
    trusted: dict[str, bool],
) -> tuple[str, str]:
    """Return what became of a mutant, and the test that noticed it; a test that fails in any fork tells nothing."""
    mutant = Mutant(**{**job["mutant"], "start": tuple(job["mutant"]["start"]), "end": tuple(job["mutant"]["end"])})
    path = TREE / mutant.path
    source = path.read_text(encoding="utf-8")
    while True:
        names = [name for name in job["tests"] if name in items and trusted.get(name, True)]
        path.write_text(mutant.applied(source), encoding="utf-8")
        try:
            put = _Put(path, source, mutant, functions[str(path)])
            how, by = _forked([items[name] for name in names], job["limit"], put)
        finally:
            path.write_text(source, encoding="utf-8")
        if by and by not in trusted and by in items:
            trusted[by] = _forked([items[by]], job["limit"], lambda: True)[0] == "survived"
            if not trusted[by]:
                continue
        return how, by


def _forked(items: list[pytest.Item], limit: float, first: Callable[[], bool]) -> tuple[str, str]:
    """Run tests in a fork up to the first that fails."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        _child(items, write, first)
    os.close(write)
    end = time.monotonic() + limit
    while not (done := os.waitpid(child, os.WNOHANG))[0] and time.monotonic() < end:
        time.sleep(0.004)
    if not done[0]:
        os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(read)
        return "too slow", ""
    name = os.read(read, 4096).decode() if done[1] >> 8 == FAILED else ""
    os.close(read)
    code = os.waitstatus_to_exitcode(done[1])
    return {0: "survived", UNSURE: "unsure"}.get(code, "killed"), name


def _child(items: list[pytest.Item], write: int, first: Callable[[], bool]) -> None:
    code = FAILED
    try:
        os.setpgid(0, 0)
        code = 0 if first() else UNSURE
        for item, after in zip(items, [*items[1:], None], strict=False) if not code else ():
            item.ihook.pytest_runtest_protocol(item=item, nextitem=after)
            if failed:
                code = FAILED
                os.write(write, failed[0].encode())
                break
    finally:
        os._exit(code)


class _Put:
    """Puts a mutant into the functions, constants and defaults of a running program."""

    def __init__(self, path: Path, source: str, mutant: Mutant, functions: list[FunctionType]) -> None:
        self._path, self._source, self._changed, self._functions = path, source, mutant.applied(source), functions
        self._mutant = mutant

    def __call__(self) -> bool:
        """Return whether all of it could be put there."""
        name = self._mutant.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        module = sys.modules.get(name)
        if module is None:
            importlib.import_module(name)
            return True
        old, new = (compile(text, str(self._path), "exec") for text in (self._source, self._changed))
        left = False
        for before, after in _pairs(old, new):
            if _alike(before, after):
                continue
            if not before.co_flags & inspect.CO_OPTIMIZED:  # a module or the body of a class
                left = left or not self._statement(module)
            else:
                mine = [one for one in self._functions if _same_place(one.__code__, before)]
                left = left or not (mine or "<locals>" in before.co_qualname) or before.co_freevars != after.co_freevars
                for one in () if left else mine:
                    one.__code__ = after.replace(co_filename=one.__code__.co_filename)
        return not left

    def _statement(self, module: ModuleType) -> bool:
        """Return whether the changed statement of a module or class gives names or defaults and could be run alone."""
        statement = self._changed_in(ast.parse(self._changed))
        match statement:
            case ast.Assign(targets=[ast.Name() | ast.Tuple() as target]) | ast.AnnAssign(target=ast.Name() as target):
                parts = target.elts if isinstance(target, ast.Tuple) else [target]
                before = {one.id: getattr(module, one.id) for one in parts if isinstance(one, ast.Name)}
                exec(compile(ast.Module([statement], []), str(self._path), "exec"), module.__dict__)  # noqa: S102 - our own source
                for name, value in before.items():
                    _renamed(module, name, value)
            case ast.FunctionDef(decorator_list=[], name=name):
                _defaults(getattr(module, name), statement, module)
            case ast.ClassDef(name=name):
                made, inner = getattr(module, name), self._changed_in(statement)
                if isinstance(inner, ast.FunctionDef) and type(function := made.__dict__[inner.name]) is FunctionType:
                    _defaults(function, inner, module)
                else:
                    return isinstance(inner, ast.AnnAssign) and _field(made, inner)
            case _:
                return False
        return True

    def _changed_in(self, node: ast.Module | ast.ClassDef) -> ast.stmt | None:
        line = self._mutant.start[0]
        return next((one for one in node.body if one.lineno <= line <= (one.end_lineno or 0)), None)


def _defaults(function: FunctionType, changed: ast.FunctionDef, module: ModuleType) -> None:
    """Give a function the defaults that it has in the changed source."""
    values = [eval(ast.unparse(one), module.__dict__) for one in changed.args.defaults]  # noqa: S307 - our own source
    function.__defaults__ = tuple(values) or None
    for argument, one in zip(changed.args.kwonlyargs, changed.args.kw_defaults, strict=True):
        if one is not None and function.__kwdefaults__ is not None:
            function.__kwdefaults__[argument.arg] = eval(ast.unparse(one), module.__dict__)  # noqa: S307 - as above


def _field(made: type, field: ast.AnnAssign) -> bool:
    """Give the field of a dataclass another plain default; return whether it could be given."""
    function: Any = made.__init__
    if not isinstance(field.target, ast.Name) or not isinstance(field.value, ast.Constant):
        return False
    name, value = field.target.id, field.value.value
    parameters = inspect.signature(function).parameters.values()
    given = [one.name for one in parameters if one.default is not one.empty and one.kind is not one.KEYWORD_ONLY]
    if name in given:
        at = given.index(name)
        function.__defaults__ = (*function.__defaults__[:at], value, *function.__defaults__[at + 1 :])
    elif name in (function.__kwdefaults__ or {}):
        function.__kwdefaults__[name] = value
    else:
        return False
    setattr(made, name, value)
    return True


def _pairs(old: CodeType, new: CodeType) -> Iterator[tuple[CodeType, CodeType]]:
    yield old, new
    inner = [[one for one in code.co_consts if isinstance(one, CodeType)] for code in (old, new)]
    for before, after in zip(*inner, strict=False):
        if before.co_qualname == after.co_qualname:
            yield from _pairs(before, after)


def _alike(old: CodeType, new: CodeType) -> bool:
    """Return whether two functions do the same, with the comprehensions and functions in them."""
    return _parts(old) == _parts(new)


def _parts(code: CodeType) -> tuple[object, ...]:
    """Return what a function does; the functions of a module or class are put there by themselves."""
    is_function = code.co_flags & inspect.CO_OPTIMIZED
    inner = [one for one in code.co_consts if not isinstance(one, CodeType) or is_function or one.co_name[0] == "<"]
    held = (_parts(one) if isinstance(one, CodeType) else (type(one), repr(one)) for one in inner)
    return code.co_code, code.co_names, tuple(held)


def _same_place(code: CodeType, other: CodeType) -> bool:
    return (code.co_qualname, code.co_firstlineno) == (other.co_qualname, other.co_firstlineno)


def _renamed(module: ModuleType, name: str, before: object) -> None:
    """Give other modules that took a name of this one the new value."""
    for other in list(sys.modules.values()):
        names = getattr(other, "__dict__", {})
        if name in names and names[name] is before and other.__name__.startswith(("trainadvisor", "tests", "test_")):
            path = getattr(other, "__file__", None)
            if path and f"{module.__name__} import" in Path(path).read_text(encoding="utf-8"):
                setattr(other, name, getattr(module, name))
