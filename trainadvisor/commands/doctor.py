"""`trainadvisor doctor`: versions, and what would work here."""

from __future__ import annotations

import click

from trainadvisor.commands.common import json_option, lang_option


@click.command("doctor")
@json_option
@lang_option
def command(*, as_json: bool, lang: str | None) -> int:
    """Print versions and what works here: devices, frameworks, extras, browser, folder.

    Exits with 1 where no training can be recorded and judged.
    """
    from trainadvisor.commands import checkup
    from trainadvisor.commands.common import language, staged
    from trainadvisor.report.text import checkup_screen
    from trainadvisor.report.text.terminal import emit, width

    words = language(lang)
    with staged(words, "status.doctor"):
        found = checkup.facts()
    healthy = checkup.sound(found)
    emit(checkup_screen.as_json(found) if as_json else checkup_screen.render(found, words, width(), healthy=healthy))
    return 0 if healthy else 1
