"""The option --format NAME[=FILE]: what is wanted in which form, and putting it there."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from trainadvisor.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Output:
    """One wanted form and the file it goes to, None for the standard output."""

    form: str
    file: Path | None


def parse(texts: Sequence[str], names: Sequence[str]) -> list[Output]:
    """Read the options; everything wrong with them is said before a log is read. Text is printed where nothing is."""
    outputs = [_output(text, names) for text in texts]
    printed = [output.form for output in outputs if output.file is None]
    if len(printed) > 1:
        asked = " ".join(f"--format {form}" for form in printed)
        message = f"{asked}: only one can be printed; write the others to files, as {printed[1]}=FILE"
        raise UsageError(message)
    return outputs if printed else [*outputs, Output("text", None)]


def _output(text: str, names: Sequence[str]) -> Output:
    form, equals, file = text.partition("=")
    if form not in names:
        message = (
            f"--format {text}: no format is called {form}{did_you_mean(form, names)}; choose from {', '.join(names)}"
        )
        raise UsageError(message)
    if equals and not file:
        message = f"--format {text}: names no file"
        raise UsageError(message)
    if equals and not Path(file).parent.is_dir():
        message = f"--format {text}: there is no folder for the file; make it first"
        raise UsageError(message)
    if equals and not _added_to(Path(file)):
        from trainadvisor.report import files

        files.spare(Path(file))
    return Output(form, Path(file) if equals else None)


def _added_to(file: Path) -> bool:
    """Return whether a file is the summary of a CI job, which several steps share."""
    return str(file) == os.environ.get("GITHUB_STEP_SUMMARY")


def put(text: str, file: Path | None) -> None:
    """Print the text, or write it to its file; a job summary, which several steps share, is added to."""
    if file is None:
        from trainadvisor.report.text.terminal import emit

        emit(text)
    else:
        from trainadvisor.report import files

        files.save(text, file, append=_added_to(file))
