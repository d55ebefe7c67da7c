"""What `trainadvisor preflight` does: options become a wish, the result files, a screen and an exit code."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from trainadvisor.errors import LogError, UsageError
from trainadvisor.gate import decision

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trainadvisor.preflight.first_steps import Script
    from trainadvisor.preflight.preflight_result import Preflight
    from trainadvisor.preflight.procedure import Wish


@dataclass(frozen=True)
class Options:
    """The options of the command, as they were given."""

    steps: int
    budget: str
    fail_on: str | None
    experiments: bool
    plan_batch: int | None
    forms: tuple[str, ...]
    html: Path | None
    folder: Path | None
    in_place: bool
    links: tuple[str, ...]
    copy_limit: str | None
    lang: str | None
    color: str


def run(script: Script, options: Options) -> int:
    """Run the preflight, write what was asked for, and return the exit code."""
    from trainadvisor import configuration
    from trainadvisor.commands import trialling
    from trainadvisor.commands.common import language
    from trainadvisor.commands.outputs import parse, put
    from trainadvisor.i18n.language import Words
    from trainadvisor.preflight import preflight
    from trainadvisor.preflight.procedure import Wish
    from trainadvisor.report.machine import preflight_documents
    from trainadvisor.status_line import status
    from trainadvisor.trials.budget import seconds

    _check(script, options)
    outputs = parse(options.forms, ("text", *preflight_documents.FORMS))
    lang = language(options.lang)
    settings = configuration.load()
    fail_on = options.fail_on or settings.fail_on or "error"
    wish = Wish(options.steps, seconds(options.budget), fail_on, options.experiments, lang, options.plan_batch)
    allowed = trialling.choice(options.links, options.copy_limit, in_place=options.in_place)
    if not options.in_place:
        home = None if script.module else Path(script.target).resolve()
        trialling.look(home, allowed, Words(lang))
    with _folder(options.folder) as folder:
        with status(_stage("natural", wish.budget, script, wish)) as line:
            result = preflight(
                script, wish, folder, settings, in_place=options.in_place, choice=allowed,
                tell=lambda name, left: line.show(_stage(name, left, script, wish)),
            )  # fmt: skip
        code = decision.EXIT[result.outcome]
        for output in outputs:
            put(_text(result, output.form, wish, options.color, code), output.file)
        if options.html is not None:
            _page(result, folder, options.html, lang)
    return code


def _stage(name: str, left: float, script: Script, wish: Wish) -> Callable[[float], str]:
    """Return what a terminal is told while a run goes on."""
    from trainadvisor.i18n.language import Words

    words = Words(wish.lang)
    what = words(f"status.preflight.{name}", target=script.target, steps=wish.steps)
    return lambda spent: "  " + words("status.left", what=what, seconds=int(spent), left=max(0, round(left - spent)))


def show_tests(lang: str | None) -> None:
    """Print the active tests by name, with what is done in each."""
    import click

    from trainadvisor.commands.common import language
    from trainadvisor.preflight.contracts import listed

    for name, what in listed(language(lang)):
        click.echo(f"{name}: {what}")


def _check(script: Script, options: Options) -> None:
    """Refuse what cannot work before anything runs."""
    from trainadvisor.commands.script_targets import check_target
    from trainadvisor.report import files

    if not script.module:
        check_target(script.target, "preflight")
    if options.html is not None:
        files.check(options.html)
        if options.html.suffix != ".html":
            message = f"--html {options.html}: the name of a web page ends in .html"
            raise UsageError(message)


@contextmanager
def _folder(wanted: Path | None) -> Iterator[Path]:
    """Yield the folder of the logs, absolute: one that stays, or a temporary one."""
    if wanted is None:
        with tempfile.TemporaryDirectory(prefix="trainadvisor-", ignore_cleanup_errors=True) as made:
            yield Path(made)
        return
    try:
        wanted.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"{wanted}: cannot be made ({error.strerror}); choose another place"
        raise LogError(message) from error
    yield wanted.resolve()


def _text(result: Preflight, form: str, wish: Wish, color: str, code: int) -> str:
    from trainadvisor.report.machine import preflight_documents
    from trainadvisor.report.text import preflight_screen
    from trainadvisor.report.text.terminal import colored, width

    if form in preflight_documents.FORMS:
        return preflight_documents.FORMS[form](result, wish.lang)
    return preflight_screen.render(
        result, wish.lang, fail_on=wish.fail_on, code=code, width=width(), color=colored(color)
    )


def _page(result: Preflight, folder: Path, path: Path, lang: str) -> None:
    from trainadvisor import page_material
    from trainadvisor.log.reader import read_log
    from trainadvisor.report import files
    from trainadvisor.report.html import preflight_page
    from trainadvisor.report.html.web_page import Material

    log = read_log(folder / "natural.json") if result.diagnosis is not None else None
    material = page_material.single(result.diagnosis, log) if result.diagnosis is not None else Material()
    files.save(preflight_page.render(result, lang, material), path)
