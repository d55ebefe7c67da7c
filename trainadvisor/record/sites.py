"""Finds the line of the user's code that is responsible for the current call."""

import ast
import functools
import linecache
import os
import site
import sys
import sysconfig
from pathlib import Path
from types import FrameType
from typing import Any

import torch

Place = tuple[str, int]
"""File and line, as the frame has them."""

_OWN = str(Path(__file__).resolve().parents[1]) + os.sep
_TORCH = str(Path(torch.__file__).resolve().parent) + os.sep
_STANDARD = sysconfig.get_paths()["stdlib"] + os.sep
_PACKAGES = tuple(str(path) + os.sep for path in {*site.getsitepackages(), site.getusersitepackages(), sysconfig.get_paths()["purelib"]})
_LONGEST_LINE = 300


@functools.lru_cache(maxsize=4096)
def _rank(filename: str) -> int:
    """Rank a file: 2 for the user's own, 1 for an installed package, 0 for torch, ourselves and the standard library."""
    if filename.startswith("<") and not filename.startswith(("<stdin", "<ipython", "<string")):
        return 0
    if filename.startswith((_OWN, _TORCH)) or "runpy" in filename:
        return 0
    if filename.startswith(_PACKAGES):
        return 1
    return 0 if filename.startswith(_STANDARD) else 2


def user_place(depth: int = 1) -> Place | None:
    """Return the innermost place in the user's own code, else in an installed package, else None."""
    frame: FrameType | None = sys._getframe(depth)
    package: Place | None = None
    while frame is not None:
        rank = _rank(frame.f_code.co_filename)
        if rank == 2:
            return frame.f_code.co_filename, frame.f_lineno
        if rank == 1 and package is None:
            package = frame.f_code.co_filename, frame.f_lineno
        frame = frame.f_back
    return package


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
    return text[:_LONGEST_LINE] or None


def _complete(text: str) -> bool:
    return text.count("(") <= text.count(")") and text.count("[") <= text.count("]")


def constructor_site(filename: str, class_name: str, before: int) -> dict[str, Any] | None:
    """Return the only call of `class_name` in the file at or above a line: where an object handed to us was made."""
    try:
        tree = ast.parse("".join(linecache.getlines(filename)))
    except (SyntaxError, ValueError):
        return None
    lines = [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Call) and _called(node) == class_name]
    return describe((filename, lines[0])) if len(lines) == 1 and lines[0] <= before else None


def _called(node: ast.Call) -> str | None:
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else None
