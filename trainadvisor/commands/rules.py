"""`trainadvisor rules`: the list of rules, and the check of rule files."""

from __future__ import annotations

import sys

import click

from trainadvisor.commands.common import json_option, lang_option, rules_option, spoken_option


@click.group("rules", invoke_without_command=True)
@json_option
@lang_option
@rules_option
@click.pass_context
def command(ctx: click.Context, *, as_json: bool, lang: str | None, folders: tuple[str, ...]) -> None:
    """List the rules by family, or check rule files with `rules check`."""
    if ctx.invoked_subcommand is not None:
        return
    from trainadvisor.commands.common import language, rulebook
    from trainadvisor.report.text import listing
    from trainadvisor.report.text.terminal import emit, width

    book = rulebook(folders)
    rules = list(book.rules.values())
    emit(listing.rules_json(book, rules) if as_json else listing.rules(book, rules, language(lang), width()))


@command.command("check")
@click.argument("folders", nargs=-1, metavar="[DIR]...")
@lang_option
def check(*, folders: tuple[str, ...], lang: str | None) -> None:
    """Load, type-check and run the cases of every rule in DIR, by default of the rules that ship.

    Rules that pass are taken apart: each clause is removed and each limit moved tenfold, one at a time, and a case of
    the rule has to notice.
    """
    from pathlib import Path

    from trainadvisor.answers.question import check_questions
    from trainadvisor.commands.common import language
    from trainadvisor.errors import RuleError
    from trainadvisor.i18n.language import Words
    from trainadvisor.judge.mutations import check_mutations
    from trainadvisor.judge.rule_checks import check_rules
    from trainadvisor.judge.rulebook import read, rule_files, shipped_rules
    from trainadvisor.regular import is_folder
    from trainadvisor.report.text.terminal import emit

    for folder in folders:
        if not is_folder(Path(folder)):
            message = f"{folder}: no such folder of rules; check the path"
            raise RuleError(message)
    problems = check_rules(folders) or check_mutations(folders) or check_questions(folders)
    for problem in problems:
        emit(problem)
    if problems:
        sys.exit(1)
    files = [path for folder in folders or [shipped_rules()] for path in rule_files(Path(folder))]
    cases = sum(len(read(path).get("cases", ())) for path in files)
    emit(Words(language(lang))("check.passed", rules=len(files), cases=cases))


@command.command("index")
@click.argument("folder", required=False)
@spoken_option
def index(*, folder: str | None) -> None:
    """Write the list of the rules in FOLDER (by default those that ship) to its README.md."""
    from pathlib import Path

    from trainadvisor.judge import rule_index as generated
    from trainadvisor.judge.rulebook import shipped_rules
    from trainadvisor.report.text.terminal import emit

    place = Path(folder) if folder else shipped_rules()
    (place / generated.NAME).write_text(generated.index(place), encoding="utf-8")
    emit(str(place / generated.NAME))


@command.command("pages")
@click.argument("folder", required=False, default="docs/codes", metavar="[DIR]")
@rules_option
@lang_option
def pages(*, folder: str, folders: tuple[str, ...], lang: str | None) -> None:
    """Write a Markdown page for each rule to DIR, by default docs/codes, and remove those of rules that are gone."""
    from pathlib import Path

    from trainadvisor.commands.common import language
    from trainadvisor.demos.scenarios import SCENARIOS
    from trainadvisor.i18n.language import Words
    from trainadvisor.judge.rule_loading import load
    from trainadvisor.report.machine import code_pages
    from trainadvisor.report.text.terminal import emit

    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    written = code_pages.pages(load(folders), SCENARIOS)
    for path in place.glob("*.md"):
        if path.name not in written and code_pages.MARK in path.read_text(encoding="utf-8"):
            path.unlink()
    for name, text in written.items():
        (place / name).write_text(text, encoding="utf-8")
    emit(Words(language(lang))("pages.written", place=place, count=len(written)))


@command.command("new")
@click.argument("code")
@click.argument("folder", required=False, default="my-rules", metavar="[DIR]")
@spoken_option
def new(*, code: str, folder: str) -> None:
    """Write the skeleton of a rule called CODE to DIR, by default my-rules; `rules check DIR` passes on it."""
    from pathlib import Path

    from trainadvisor.judge import skeleton
    from trainadvisor.report.text.terminal import emit

    emit(str(skeleton.write(code, Path(folder))))
