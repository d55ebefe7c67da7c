"""`trainadvisor compare A B`: two recorded trainings side by side."""

from __future__ import annotations

import click

from trainadvisor.commands.common import color_option, json_option, lang_option, rules_option


@click.command("compare")
@click.argument("a")
@click.argument("b")
@lang_option
@rules_option
@json_option
@color_option
def command(*, a: str, b: str, lang: str | None, folders: tuple[str, ...], as_json: bool, color: str) -> None:
    """Say which of two recorded trainings is better, what was changed, and what that did.

    A and B are logs, run folders or names of runs; B is judged relative to A. Where model, data or batch differ, the
    figures are shown without a verdict. The exit code is 0: a comparison is not a gate.
    """
    from trainadvisor import configuration
    from trainadvisor.commands.runs import find
    from trainadvisor.compare import compare
    from trainadvisor.i18n.language import choose
    from trainadvisor.report.text import compared
    from trainadvisor.report.text.terminal import colored, emit, width
    from trainadvisor.telling import diagnose

    settings = configuration.load()
    chosen = choose(lang, settings.lang)
    runs = [diagnose(find(name), rules=list(folders), lang=chosen, config=settings) for name in (a, b)]
    result = compare(*runs)
    emit(compared.document(result) if as_json else compared.render(result, chosen, width=width(), color=colored(color)))
