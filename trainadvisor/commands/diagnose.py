"""`trainadvisor diagnose LOG`: the verdict on a recorded training."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trainadvisor.commands.common import color_option, lang_option, rules_option

if TYPE_CHECKING:
    from trainadvisor.config import Config
    from trainadvisor.diagnose.result import Diagnosis
    from trainadvisor.log.reader import RunLog

LEVELS = ("note", "warning", "error")
FORMATS = ("text", "json", "markdown")
FAILED, UNDECIDED = 1, 3


@click.command("diagnose")
@click.argument("log", required=False)
@click.option(
    "--format", "form", type=click.Choice(FORMATS), default="text", show_default=True, help="Shape of the output."
)
@click.option("--html", "page", type=click.Path(path_type=Path), help="Also write a web page, one file for all.")
@lang_option
@rules_option
@click.option("-v", "--verbose", is_flag=True, help="Expand every finding and list every check.")
@click.option("-q", "--quiet", is_flag=True, help="Print the verdict line only.")
@color_option
@click.option(
    "--fail-on",
    type=click.Choice([*LEVELS, "never"]),
    default="never",
    show_default=True,
    help="Exit 1 on a finding of this level or a higher one, 3 when the log cannot tell.",
)
def command(
    *,
    log: str | None,
    form: str,
    page: Path | None,
    lang: str | None,
    folders: tuple[str, ...],
    verbose: bool,
    quiet: bool,
    color: str,
    fail_on: str,
) -> None:
    """Say what is wrong with a recorded training, why, and which line to change.

    LOG is a log file, a run folder, or the name of a run in ./trainadvisor-runs; without it, the latest log here.
    The exit code is 0 even for a broken run: a report is not a gate, unless --fail-on asks for one.
    """
    from trainadvisor.commands.common import emit

    if page is not None:
        _check(page)
    from trainadvisor import config
    from trainadvisor.commands.runs import find
    from trainadvisor.diagnose import diagnose
    from trainadvisor.language import choose
    from trainadvisor.log.reader import read_log

    settings = config.load()
    chosen = choose(lang, settings.lang)
    recorded = read_log(find(log))
    diagnosis = diagnose(recorded, rules=list(folders), lang=chosen, config=settings)
    emit(_render(diagnosis, form, chosen, verbose=verbose, quiet=quiet, color=color))
    if page is not None:
        _write_page(page, recorded, diagnosis, chosen, settings, folders)
    sys.exit(gate(diagnosis, fail_on))


def _check(page: Path) -> None:
    """Refuse a page that cannot be written before the log is read."""
    from trainadvisor.errors import UsageError
    from trainadvisor.report import files

    if page.suffix != ".html":
        message = f"--html {page}: a web page ends in .html"
        raise UsageError(message)
    files.check(page)


def _write_page(
    page: Path, log: RunLog, diagnosis: Diagnosis, lang: str, settings: Config, folders: tuple[str, ...]
) -> None:
    from trainadvisor.commands.common import emit
    from trainadvisor.commands.webpage import material
    from trainadvisor.language import Words
    from trainadvisor.report import files

    files.write(diagnosis, page, lang, material(log, diagnosis, lang, settings, folders))
    emit(f"trainadvisor: {Words(lang)('run.report', path=page)}", sys.stderr)


def _render(diagnosis: Diagnosis, form: str, lang: str, *, verbose: bool, quiet: bool, color: str) -> str:
    if form == "json":
        from trainadvisor.report import as_json

        return as_json.render(diagnosis)
    if form == "markdown":
        from trainadvisor.report import markdown

        return markdown.render(diagnosis, lang)
    from trainadvisor.commands.common import coloured, width
    from trainadvisor.report import text

    return text.render(diagnosis, lang, width=width(), colour=coloured(color), verbose=verbose, quiet=quiet)


def gate(diagnosis: Diagnosis, level: str) -> int:
    """Return the exit code: only first-ranked causes count, and never what is merely possible."""
    if level == "never":
        return 0
    if diagnosis.state == "cannot-tell":
        return UNDECIDED
    high_enough = LEVELS[LEVELS.index(level) :]
    failing = (finding.severity in high_enough and finding.confidence != "possible" for finding in diagnosis.findings)
    return FAILED if any(failing) else 0
