"""Where `trainadvisor verify` writes a verified change: into the script, or told with the place that sets the value."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from trainadvisor.commands.verifying import save
from trainadvisor.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from trainadvisor.i18n.language import Words
    from trainadvisor.verify.permanent import Permanent
    from trainadvisor.verify.session import Request, Session


def check_applied(request: Request, path: Path | None, *, overwrite: bool) -> None:
    """Refuse a file for the changed script that cannot get it, or that would be lost."""
    if path is None:
        if overwrite:
            message = "--overwrite: has no meaning without --apply-to"
            raise UsageError(message)
        return
    if request.module:
        message = f"--apply-to {path}: the lines of a module are not known; name the script by its path"
        raise UsageError(message)
    if not overwrite and _differs(path, source_of(request)):
        message = f"--apply-to {path}: is there already and differs from {request.target}"
        raise UsageError(f"{message}; choose another name, or add --overwrite to replace it")


def _differs(path: Path, source: str | None) -> bool:
    """Return whether a file is there that holds something else than the script."""
    try:
        return path.read_text(encoding="utf-8") != source
    except FileNotFoundError:
        return False
    except (OSError, UnicodeDecodeError):
        return True


def source_of(request: Request) -> str | None:
    """Return the text of the script, None for a module or what cannot be read."""
    try:
        return None if request.module else Path(request.target).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def apply(session: Session, source: str | None, path: Path, words: Words, *, overwrite: bool = False) -> bool:
    """Write the script with the verified change in it, or say why not and what is to be changed where.

    The file is looked at once more, because its owner may have worked on it while the re-runs took place.
    """
    from trainadvisor.i18n.language import ours
    from trainadvisor.report.text.terminal import emit
    from trainadvisor.verify.answer import best

    made = best(session, source)
    text = _document(made, session.request.target, path) if made is not None else None
    if made is None:
        told = words("verify.unapplied", path=path)
    elif text is None:
        told = _places(session, made, path, words)
    elif not overwrite and _differs(path, source):
        told = words("verify.edited", path=path)
    else:
        save(text, path)
        told = words("verify.applied", path=path)
    emit(ours(told, words.lang), sys.stderr)
    return made is not None and text is not None


def _document(made: Permanent, script: str, path: Path) -> str | None:
    """Return what a file is to hold: the script, or a configuration of its ending, if only that changes."""
    if not made.whole or len(made.after) != 1:
        return None
    (changed,) = made.after.values()
    name, own = Path(changed.name), Path(script)
    is_script = name.name == own.name
    return changed.text if is_script or path.suffix == name.suffix != own.suffix else None


def _places(session: Session, made: Permanent, path: Path, words: Words) -> str:
    """Return what is to be changed where, and the command that runs with a value that the command line sets."""
    from trainadvisor.verify.answer import elsewhere, held

    request, candidate = session.request, held(session)[0].candidate
    told = [words("verify.place", where=edit.where, new=edit.new.strip()) for edit in made.edits]
    told += elsewhere(session, candidate, made)
    key = "verify.elsewhere" if made.edits or made.outside else "verify.no-line"
    text = words(key, path=path, script=request.target, told=words("semicolon").join(told))
    options = {patch.words: patch.value for patch in made.outside if patch.kind == "option"}
    if not options:
        return text
    return text + words(
        "verify.run-with", command=shlex.join(["python", request.target, *_with(request.args, options)])
    )


def _with(args: Sequence[str], options: Mapping[str, str]) -> list[str]:
    """Return the arguments of a command line with other values of some options."""
    given, left = list(args), dict(options)
    for place, word in enumerate(given):
        name, equals, _ = word.partition("=")
        if name in left and equals:
            given[place] = f"{name}={left.pop(name)}"
        elif name in left and place + 1 < len(given):
            given[place + 1] = left.pop(name)
    return [*given, *(word for pair in left.items() for word in pair)]
