"""`trainadvisor ask "loss is nan"`: an answer from the rules, offline."""

from __future__ import annotations

from pathlib import Path

import click

from trainadvisor.commands.common import lang_option


@click.command("ask")
@click.argument("words", nargs=-1, required=True)
@lang_option
def command(*, words: tuple[str, ...], lang: str | None) -> None:
    """Answer a question in English or Chinese from the rules; no network, no model.

    The answer starts from the latest log here, when there is one.
    """
    from trainadvisor.answers.question import answer, language_of
    from trainadvisor.commands.common import language, staged
    from trainadvisor.report.text.terminal import emit

    question = " ".join(words)
    chosen = language(lang or language_of(question))
    with staged(chosen, "status.asking"):
        text = answer(question, chosen, Path.cwd())
    emit(text)
