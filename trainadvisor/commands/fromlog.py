"""What a log may decide: it names a script, and only the user's word runs it."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from trainadvisor.errors import LogError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainadvisor.log.reader import RunLog

# Characters of a command that can be looked over before it is run.
LONGEST = 400


def command(path: Path, log: RunLog, given: Sequence[str], *, allowed: bool) -> list[str]:
    """Return the script that a log names and its arguments (or those given); refuse without the user's word.

    A module is never taken from a log, nor a script outside of this folder or in a Python environment: with arguments
    of its own a log could run anything that way.
    """
    script, argv = log.header.get("script"), log.header.get("argv")
    if not isinstance(script, str) or not script:
        message = f"{path}: the log does not say which script it is of; name it: trainadvisor verify train.py ARGS"
        raise LogError(message)
    words = [script, *(given or map(str, argv if isinstance(argv, list) else ()))]
    if log.header.get("module"):
        _refuse(path, ["python", "-m", *words], "a log never chooses the module that runs;", "-m MODULE ARGS")
    if not Path(script).is_file():
        message = f"{path}: its script {script} is not here; verify in the folder where it was run, or name the script"
        raise LogError(message)
    if not _is_own(Path(script)):
        why = "a log never chooses a script outside of this folder, or of a Python environment;"
        _refuse(path, ["python", *words], why, "SCRIPT ARGS")
    if not allowed:
        why = "a log may come from anybody; if this is your own command, add --yes-run, or"
        _refuse(path, ["python", *words], why, "SCRIPT ARGS")
    return words


def _refuse(path: Path, said: Sequence[str], why: str, form: str) -> NoReturn:
    message = (
        f"{path}: names the command `{shown(path, said)}`. Nothing was run: {why} type it: trainadvisor verify {form}"
    )
    raise UsageError(message)


def shown(path: Path, words: Sequence[str]) -> str:
    """Return a command as it is typed, with what a terminal could obey made visible; never cut."""
    from trainadvisor.report.text.layout import clean

    text = shlex.join(words)
    if len(text) > LONGEST:
        message = f"{path}: its command is too long to look over ({len(text):,} characters); name the script yourself"
        raise UsageError(message)
    return clean(text, 10 * LONGEST)


def _is_own(script: Path) -> bool:
    """Return whether a script lies in this folder, links resolved, and in no Python environment."""
    from trainadvisor.trials.survey import is_environment

    here, real = Path.cwd().resolve(), script.resolve()
    between = [folder for folder in real.parents if folder.is_relative_to(here)]
    return real.suffix == ".py" and real.is_relative_to(here) and not any(map(is_environment, between))
