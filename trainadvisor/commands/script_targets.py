"""What can be run: scripts; a log, a table or a notebook in place of one is refused before torch starts."""

from __future__ import annotations

import ast
from pathlib import Path

from trainadvisor.errors import LogError, UsageError

SCRIPTS = (".py", ".pyw", ".pyz", ".zip")
LONGEST = 1 << 20
PACKED = b"PK"


def tell_late(command: str, ours: tuple[str, ...], args: tuple[str, ...], target: str, lang: str) -> None:
    """Tell of an option that is ours and stands after the script, to which it goes, unless the script names it too."""
    late = next((word.partition("=")[0] for word in args if word.partition("=")[0] in ours), None)
    if late is None or late.encode() in _start(Path(target)):
        return
    import click

    from trainadvisor.i18n.language import say

    click.echo(f"trainadvisor: {say('run.late', lang, option=late, target=target, command=command)}", err=True)


def check_script(target: str, command: str) -> None:
    """Refuse a file that holds no program, with what to do with it instead."""
    path = Path(target)
    if path.suffix in SCRIPTS or not path.is_file():
        return
    start = _start(path)
    if start.startswith((b"#!", PACKED)) or _is_program(start):
        return
    raise UsageError(f"{target}: is {_kind(path, start)}; `trainadvisor {command}` takes a script, such as train.py")


def _start(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(LONGEST)
    except OSError:
        return b"#!"  # running it will say what is wrong with it


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

    try:
        form = format_registry.sniff(start[: 64 << 10], path)
    except (LogError, OSError):
        form = None
    if form is None:
        return "no Python script"
    return f"data ({form.NAME}) and no script: `trainadvisor diagnose {path}` reads logs"
