"""`trainadvisor signals`: the quantities that rules compare."""

from __future__ import annotations

import click

from trainadvisor.commands.common import json_option, lang_option


@click.command("signals")
@json_option
@lang_option
def command(*, as_json: bool, lang: str | None) -> None:
    """List the quantities that rules compare: their type, unit, meaning, and what must be recorded for them."""
    from trainadvisor.commands.common import language
    from trainadvisor.report.text import listing
    from trainadvisor.report.text.terminal import emit, width
    from trainadvisor.signals import all_signals

    specs = list(all_signals().values())
    emit(listing.signals_json(specs) if as_json else listing.signals(specs, language(lang), width()))
