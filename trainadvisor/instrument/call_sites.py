"""Finds the line of the user's code that is responsible for the current call."""

import ast
import functools
import importlib.util
import linecache
import os
import site
import sys
import sysconfig
from pathlib import Path
from types import FrameType
from typing import Any

from trainadvisor.redaction import redact

# File and line, as the frame has them.
Place = tuple[str, int]

_OWN = str(Path(__file__).resolve().parents[1]) + os.sep
_TORCH = tuple(
    str(Path(spec.origin).resolve().parent) + os.sep
    for spec in [importlib.util.find_spec("torch")]
    if spec and spec.origin
)
_STANDARD = sysconfig.get_paths()["stdlib"] + os.sep
_PACKAGES = tuple(
    str(path) + os.sep
    for path in {*site.getsitepackages(), site.getusersitepackages(), sysconfig.get_paths()["purelib"]}
)
# Names of folders that hold installed packages wherever they lie: on PYTHONPATH, in another environment.
_INSTALLED = tuple(f"{os.sep}{name}{os.sep}" for name in ("site-packages", "dist-packages"))
_LONGEST_LINE = 300
# Rank of a file that is the user's own.
USERS = 2


@functools.lru_cache(maxsize=4096)
def rank(filename: str) -> int:
    """Rank a file: 2 for the user's own, 1 for an installed package, 0 for torch, us and the standard library."""
    if filename.startswith("<") and not filename.startswith(("<stdin", "<ipython", "<string")):
        return 0
    if filename.startswith((_OWN, *_TORCH)) or "runpy" in filename:
        return 0
    if filename.startswith(_PACKAGES) or any(name in filename for name in _INSTALLED):
        return 1
    return 0 if filename.startswith(_STANDARD) else USERS


# Ranks by file: asked for every frame of every loss.
_ranks: dict[str, int] = {}


def user_place(depth: int = 1) -> Place | None:
    """Return the innermost place in the user's own code, else in an installed package, else None."""
    return _innermost(sys._getframe(depth), None)


def user_frames(depth: int = 1) -> list[FrameType]:
    """Return the frames of the user's own code, the innermost first; without any, those of installed packages."""
    found: dict[int, list[FrameType]] = {0: [], 1: [], USERS: []}
    frame: FrameType | None = sys._getframe(depth)
    while frame is not None:
        filename = frame.f_code.co_filename
        ranked = _ranks.get(filename)
        if ranked is None:
            ranked = _ranks[filename] = rank(filename)
        found[ranked].append(frame)
        frame = frame.f_back
    return found[USERS] or found[1]


def maker_place(thing: object) -> Place | None:
    """Return the place that makes an object: outside of the object's own `__init__` methods."""
    return _innermost(sys._getframe(2), thing)


def _innermost(frame: FrameType | None, thing: object) -> Place | None:
    package: Place | None = None
    known = _ranks
    while frame is not None:
        filename = frame.f_code.co_filename
        ranked = known.get(filename)
        if ranked is None:
            ranked = known[filename] = rank(filename)
        if ranked and not (thing is not None and _initializes(frame, thing)):
            if ranked == USERS:
                return filename, frame.f_lineno
            package = package or (filename, frame.f_lineno)
        frame = frame.f_back
    return package


def _initializes(frame: FrameType, thing: object) -> bool:
    code = frame.f_code
    return code.co_name == "__init__" and code.co_argcount > 0 and frame.f_locals.get(code.co_varnames[0]) is thing


def describe(place: Place | None) -> dict[str, Any] | None:
    """Return the place as a Site: file relative to the working folder, line, and the statement's source."""
    if place is None:
        return None
    filename, line = place
    return {"file": shorten(filename), "line": line, "code": _statement(filename, line)}


def shorten(filename: str) -> str:
    """Return the path relative to the working folder where it lies below it, else its last two parts."""
    path = Path(filename)
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(Path(*path.parts[-2:])) if len(path.parts) > 2 else filename


def _statement(filename: str, line: int) -> str | None:
    text = linecache.getline(filename, line).strip()
    for following in range(line + 1, line + 6):
        if _complete(text):
            break
        text = f"{text} {linecache.getline(filename, following).strip()}"
    text = text if _complete(text) else linecache.getline(filename, line).strip()
    return redact(text, code=True)[:_LONGEST_LINE] or None


def _complete(text: str) -> bool:
    return text.count("(") <= text.count(")") and text.count("[") <= text.count("]")


def constructor_site(filename: str, class_name: str, before: int) -> dict[str, Any] | None:
    """Return the only call of `class_name` in the file at or above a line: where an object handed to us was made."""
    line = constructor_line(filename, class_name, before)
    return None if line is None else describe((filename, line))


def constructor_line(filename: str, class_name: str, before: int) -> int | None:
    """Return the line of the only call of `class_name` in the file at or above a line."""
    try:
        tree = ast.parse("".join(linecache.getlines(filename)))
    except (SyntaxError, ValueError):
        return None
    lines = [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Call) and called(node) == class_name]
    return lines[0] if len(lines) == 1 and lines[0] <= before else None


def called(node: ast.Call) -> str | None:
    """Return the last name of what is called."""
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else None
