"""What can be run: scripts; a log, a table or a notebook in place of one is refused before torch starts."""

from __future__ import annotations

import ast
import re
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from trainadvisor.commands.runs import near_name
from trainadvisor.errors import LogError, UsageError

SCRIPTS = (".py", ".pyw", ".pyz", ".zip")
LONGEST = 1 << 20
TRAINING = re.compile(r"train|main|run|finetune|fine_tune|pretrain", re.IGNORECASE)
SHOWN = 3
PACKED = b"PK"
WEIGHTS = (".pth", ".pt", ".ckpt", ".safetensors", ".bin", ".h5", ".onnx", ".gguf")
# Endings that no module has.
DATA = (".csv", ".json", ".txt", ".log", ".html", ".ipynb", ".pt", ".pth")


def check_target(target: str, command: str) -> None:
    """Refuse what is not there, or holds no program, with what to do instead."""
    path = Path(target)
    if path.is_dir():
        message = f"{target}: is a folder; {_scripts_in(path)}"
        raise UsageError(message)
    if not (path.exists() if command == "run" else path.is_file()):
        message = f"{target}: there is no such script; {_instead(path)}"
        raise UsageError(message)
    check_script(target, command)


def _scripts_in(folder: Path) -> str:
    """Return which scripts of a folder may have been meant."""
    if (folder / "__main__.py").is_file():
        return "did you forget -m before a module's name?"
    with suppress(OSError):
        scripts = _scripts(folder)
        if len(scripts) == 1 or (scripts and TRAINING.search(scripts[0].stem)):
            return f"did you mean {scripts[0]}?"
        if scripts:
            return f"name a script in it: {_named(scripts)}"
    return "name a script"


def _instead(path: Path) -> str:
    """Return what may have been meant by a path where nothing is."""
    with suppress(OSError):
        near = near_name(path, (other for other in path.parent.iterdir() if other.suffix in SCRIPTS))
        if near is not None:
            return f"did you mean {near}?"
    package = path.name.split(".")[0]
    module = re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)*", str(path)) is not None
    if module and not path.name.endswith((*SCRIPTS, *DATA)) and (Path(package).is_dir() or find_spec(package)):
        return "did you forget -m before a module's name?"
    return _there(path.parent) or "check the path"


def _there(folder: Path) -> str | None:
    """Return the scripts of the folder in which one was looked for."""
    with suppress(OSError):
        if scripts := _scripts(folder):
            return f"scripts there: {_named(scripts)}"
    return None


def _scripts(folder: Path) -> list[Path]:
    """Return the scripts of a folder, those first whose names say that they train."""
    scripts = sorted(folder.glob("*.py"), key=lambda path: (TRAINING.search(path.stem) is None, path.name))
    return [path for path in scripts if not path.name.startswith(("_", "test_")) and path.name != "setup.py"]


def _named(scripts: list[Path]) -> str:
    return ", ".join(path.name for path in scripts[:SHOWN]) + (", ..." if len(scripts) > SHOWN else "")


def check_script(target: str, command: str) -> None:
    """Refuse a file that holds no program, with what to do with it instead."""
    path = Path(target)
    if path.suffix in (".py", ".pyw") or not path.is_file():
        return
    start = _start(path)
    if start.startswith(b"#!") or (start.startswith(PACKED) and _runs(path)) or _is_program(start):
        return
    raise UsageError(f"{target}: is {_kind(path, start)}; `trainadvisor {command}` takes a script, such as train.py")


def _start(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(LONGEST)
    except OSError:
        return b"#!"  # running it will say what is wrong with it


def _runs(path: Path) -> bool:
    """Return whether a packed file is a program, as `python` runs it, and no checkpoint."""
    try:
        with ZipFile(path) as file:
            return "__main__.py" in file.namelist()
    except (BadZipFile, OSError):
        return True  # running it will say what is wrong with it


def _is_program(start: bytes) -> bool:
    """Return whether a text is Python that does something: a table or a JSON document is an expression at most."""
    try:
        tree = ast.parse(start)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return any(not isinstance(node, ast.Expr) or isinstance(node.value, ast.Call) for node in tree.body)


def _kind(path: Path, start: bytes) -> str:

    if path.suffix == ".ipynb" or b'"nbformat"' in start:
        return "a notebook: export its script first (jupyter nbconvert --to script)"
    from trainadvisor.importers import format_registry
    from trainadvisor.importers.formats import refused

    if path.suffix in WEIGHTS or start.startswith((PACKED, b"\x80")):
        return "a file of weights, not a script"
    if (ours := refused.own(start)) is not None:
        return ours.removeprefix("this is ").partition(";")[0]

    try:
        form = format_registry.sniff(start[: 64 << 10], path)
    except (LogError, OSError):
        form = None
    if form is None:
        return "not a Python script"
    return f"data ({form.NAME}), not a script: `trainadvisor diagnose {path}` reads logs"
