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
    from trainadvisor.i18n.told_signals import told_in
    from trainadvisor.report.text import listing
    from trainadvisor.report.text.terminal import emit, width
    from trainadvisor.signals import all_signals

    wanted = (word or "").lower()
    specs = list(all_signals().values())
    if wanted:
        texts = (f"{spec.name} {spec.doc} {told_in('zh', 'meanings', spec.name, '')}".lower() for spec in specs)
        specs = [spec for spec, text in zip(specs, texts, strict=True) if wanted in text]
    if not specs:
        from trainadvisor.errors import UsageError

        message = f'no signal mentions "{word}"; `trainadvisor signals` lists all'
        raise UsageError(message)
    told = language(lang)
    emit(listing.signals_json(specs, told) if as_json else listing.signals(specs, told, width()))
