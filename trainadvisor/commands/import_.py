"""`trainadvisor import FILE`: the log of another tool as a log of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from trainadvisor.commands.common import hint_options, lang_option


@click.command("import", short_help="Convert the log of another tool into a log of ours.")
@click.argument("log")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="The log to write; default: printed."
)
@hint_options
@lang_option
def command(*, log: str, output: Path | None, lang: str | None, **hints: Any) -> None:
    """Convert LOG (a file or folder of another tool, or - for standard input) into a log.json, and say how it is taken.

    `diagnose`, `check`, `compare`, `follow` and the rest read such files themselves; convert what is to be kept.
    """
    import sys

    import orjson

    from trainadvisor.commands.common import language
    from trainadvisor.commands.runs import find
    from trainadvisor.errors import UsageError
    from trainadvisor.i18n.language import Words, ours
    from trainadvisor.i18n.told_errors import told as in_words
    from trainadvisor.importers.foreign_logs import imported, is_own
    from trainadvisor.importers.table import Hints
    from trainadvisor.report import files
    from trainadvisor.report.text.terminal import emit

    words = Words(language(lang))
    path = find(log)
    if is_own(path):
        message = f"{log}: is a log of trainadvisor already; `trainadvisor diagnose {log}` judges it"
        raise UsageError(message)
    if output is not None:
        files.check(output)
    records, notes = imported(path, Hints(**hints))
    records[0]["imported"] |= {"file": path.name, "notes": notes}
    text = "[" + ",\n".join(orjson.dumps(record).decode() for record in records) + "]"
    for note in notes:
        emit(ours(in_words(note, words.lang), words.lang), sys.stderr)
    if output is None:
        emit(text)
    else:
        files.save(text + "\n", output)
        told = words("import.written", count=words.number(len(records)), path=output)
        emit(ours(told, words.lang), sys.stderr)
