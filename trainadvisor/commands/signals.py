"""`trainadvisor signals`: the quantities that rules compare."""

from __future__ import annotations

import click

from trainadvisor.commands.common import json_option, lang_option


@click.command("signals")
@click.argument("word", required=False)
@json_option
@lang_option
def command(*, word: str | None, as_json: bool, lang: str | None) -> None:
    """List the quantities that rules compare: their type, unit, meaning, and what must be recorded for them.

    With WORD, only those whose name or meaning has it.
    """
    from trainadvisor.commands.common import language
    from trainadvisor.report.text import listing
    from trainadvisor.report.text.terminal import emit, width
    from trainadvisor.signals import all_signals

    wanted = (word or "").lower()
    specs = [spec for spec in all_signals().values() if wanted in f"{spec.name} {spec.doc}".lower()]
    if not specs:
        from trainadvisor.errors import UsageError

        message = f'no signal mentions "{word}"; `trainadvisor signals` lists all'
        raise UsageError(message)
    emit(listing.signals_json(specs) if as_json else listing.signals(specs, language(lang), width()))
