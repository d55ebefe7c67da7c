"""`trainadvisor compare A B ...`: recorded trainings side by side."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trainadvisor.commands.common import color_option, json_option, lang_option, rules_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainadvisor.compare import Comparison
    from trainadvisor.judge.result import Diagnosis

MOST = 26  # runs that letters name


@click.command("compare")
@click.argument("a", required=False)
@click.argument("b", required=False)
@click.argument("more", nargs=-1, metavar="[C]...")
@lang_option
@rules_option
@json_option
@click.option("--html", "page", type=click.Path(path_type=Path), metavar="PATH", help="Also write a page of all runs.")
@color_option
def command(
    *,
    a: str | None,
    b: str | None,
    more: tuple[str, ...],
    lang: str | None,
    folders: tuple[str, ...],
    as_json: bool,
    page: Path | None,
    color: str,
) -> None:
    """Say which of two recorded trainings is better, what was changed, and what that did.

    A and B are logs, run folders or names of runs; B is judged relative to A, and so is each further one. Without B the
    latest run here that came to its end is taken for it, without both the latest two. Where data or batch differ, the
    figures are shown without a verdict; models are compared by their validation on the same data. Runs that differ in
    their seed alone show how far a figure scatters by chance. The exit code is 0: a comparison is not a gate.
    """
    from trainadvisor import configuration
    from trainadvisor.commands.common import judging
    from trainadvisor.commands.runs import find, latest_but
    from trainadvisor.compare import compare
    from trainadvisor.errors import UsageError
    from trainadvisor.i18n.language import Words, choose
    from trainadvisor.repeats import noise
    from trainadvisor.report.text import compared
    from trainadvisor.report.text.layout import clean
    from trainadvisor.report.text.terminal import colored, emit, width
    from trainadvisor.telling import diagnose

    settings = configuration.load()
    chosen = choose(lang, settings.lang)
    if 2 + len(more) > MOST:
        raise UsageError(f"compare: at most {MOST} runs; `trainadvisor fleet FOLDER` judges any number of them")
    if page is not None:
        from trainadvisor.report import files

        files.check(page)
    logs = [find(name) for name in (a, b, *more) if name is not None]
    latest, passed = latest_but(logs, 2 - len(logs))
    logs += latest
    if passed:
        words = Words(chosen)
        named = words("comma").join(clean(str(log.parent)) for log in passed)
        emit(words("compare.passed", names=named), sys.stderr)
    runs = []
    for log in logs:
        with judging(log, chosen):
            runs.append(diagnose(log, rules=list(folders), lang=chosen, config=settings))
    scatter = noise(runs)
    results = [compare(runs[0], other, scatter) for other in runs[1:]]
    if as_json:
        emit(compared.document(results[0]) if len(results) == 1 else compared.documents(results))
    else:
        texts = [compared.render(result, chosen, width=width(), color=colored(color)) for result in results]
        emit("\n\n".join(texts))
    if page is not None:
        with judging(page, chosen, "status.writing"):
            _write(page, logs, runs, results, chosen)


def _write(
    page: Path, logs: Sequence[Path], runs: Sequence[Diagnosis], results: Sequence[Comparison], lang: str
) -> None:
    """Write the page of all runs, in both languages."""
    from trainadvisor.importers.foreign_logs import read_log
    from trainadvisor.log.curves import curves
    from trainadvisor.page_material import LANGUAGES
    from trainadvisor.report import files
    from trainadvisor.report.html import compare_page
    from trainadvisor.telling import told_in

    common = os.path.commonpath([log.absolute().parent for log in logs])
    shown = [
        compare_page.Run(
            os.path.relpath(log.absolute(), common),
            {other: run if other == lang else told_in(run, other) for other in LANGUAGES},
            curves(read_log(log)),
        )
        for log, run in zip(logs, runs, strict=True)
    ]
    files.save(compare_page.render(shown, results, lang), page)
