"""`trainadvisor diagnose LOG`: the verdict on a recorded training."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trainadvisor.commands.common import color_option, hint_options, lang_option, rules_option
from trainadvisor.report.formats import DIAGNOSE
from trainadvisor.vocabulary import FAIL_ON

if TYPE_CHECKING:
    from collections.abc import Callable

    from trainadvisor.commands.outputs import Output
    from trainadvisor.configuration import Config
    from trainadvisor.gate.decision import Decision
    from trainadvisor.judge.result import Diagnosis
    from trainadvisor.judge.rulebook import Rulebook
    from trainadvisor.log.reader import RunLog


@click.command("diagnose")
@click.argument("log", required=False)
@click.option(
    "--format",
    "forms",
    multiple=True,
    metavar="NAME[=FILE]",
    help=f"{', '.join(DIAGNOSE)}; may be repeated. Default: text.",
)
@click.option("--html", "page", type=click.Path(path_type=Path), help="Also write a web page, one file for all.")
@hint_options
@lang_option
@rules_option
@click.option("-v", "--verbose", is_flag=True, help="Expand every finding and list every check.")
@click.option("-q", "--quiet", is_flag=True, help="Print the verdict line only.")
@color_option
@click.option(
    "--fail-on",
    type=click.Choice(FAIL_ON),
    default="never",
    show_default=True,
    help="Decide like `check`: exit 1 on a finding of this level or a higher one, 3 when the log cannot tell.",
)
def command(
    *,
    log: str | None,
    forms: tuple[str, ...],
    page: Path | None,
    lang: str | None,
    folders: tuple[str, ...],
    fail_on: str,
    run: int | None,
    classes: int | None,
    loss: str | None,
    **style: Any,
) -> None:
    """Say what is wrong with a recorded training, why, and which line to change.

    LOG is a log file, a run folder, or the name of a run in ./trainadvisor-runs; without it, the latest log here.
    The exit code is 0 even for a broken run: a report is not a gate, unless --fail-on asks for one.
    """
    from trainadvisor import configuration
    from trainadvisor.commands.common import judging, rulebook
    from trainadvisor.commands.outputs import parse
    from trainadvisor.commands.runs import find
    from trainadvisor.i18n.language import choose
    from trainadvisor.importers.foreign_logs import read_log
    from trainadvisor.telling import diagnose

    outputs = parse(forms, DIAGNOSE)
    if page is not None:
        _check(page)
    settings = configuration.load()
    chosen = choose(lang, settings.lang)
    book = rulebook(folders).configured(settings)
    decide = _decider(fail_on, settings, book)
    path = find(log)
    with judging(path, chosen):
        recorded = read_log(path, run=run, classes=classes, loss=loss)
        diagnosis = diagnose(recorded, rules=list(folders), lang=chosen, config=settings)
    decision = decide(diagnosis)
    teller = _Teller(recorded, diagnosis, decision, chosen, settings, folders, book, style)
    teller.tell(outputs, page)
    sys.exit(decision.exit_code if decision else 0)


def _decider(fail_on: str, settings: Config, book: Rulebook) -> Callable[[Diagnosis], Decision | None]:
    """Return what decides; the gate is not loaded where nothing is to be decided."""
    if fail_on == "never":
        return lambda _: None
    from trainadvisor.gate import policy

    return policy.decider(fail_on, settings, book)


def _check(page: Path) -> None:
    """Refuse a page that cannot be written before the log is read."""
    from trainadvisor.errors import UsageError
    from trainadvisor.report import files

    if page.suffix != ".html":
        message = f"--html {page}: a web page ends in .html"
        raise UsageError(message)
    files.check(page)


@dataclass(frozen=True)
class _Teller:
    """Puts one diagnosis into the wanted forms."""

    log: RunLog
    diagnosis: Diagnosis
    decision: Decision | None
    lang: str
    settings: Config
    folders: tuple[str, ...]
    book: Rulebook
    style: dict[str, Any]

    def tell(self, outputs: list[Output], page: Path | None) -> None:
        """Print and write; the page last, with a line that says where it is."""
        from trainadvisor.commands.outputs import put

        for output in outputs:
            printed = output.form == "text" and output.file is None
            put(self._terminal() if printed else self._text(output.form), output.file)
        if page is not None:
            from trainadvisor.i18n.language import Words, ours
            from trainadvisor.report import files
            from trainadvisor.report.text.terminal import emit

            files.save(self._text("html"), page)
            emit(ours(Words(self.lang)("run.report", path=page), self.lang), sys.stderr)

    def _terminal(self) -> str:
        from trainadvisor.report.text import full_report
        from trainadvisor.report.text.terminal import colored, width

        how = {key: self.style[key] for key in ("verbose", "quiet")}
        return full_report.render(self.diagnosis, self.lang, width=width(), color=colored(self.style["color"]), **how)

    def _text(self, form: str) -> str:
        from trainadvisor.page_material import material
        from trainadvisor.report import formats
        from trainadvisor.report.text import gate_report

        extra = material(self.log, self.diagnosis, self.lang, self.settings, self.folders) if form == "html" else None
        entry = gate_report.entries(self.decision, self.lang)[0] if self.decision else None
        return formats.render(form, self.diagnosis, self.lang, entry=entry, book=self.book, material=extra)
