"""`trainadvisor changes`: what a trial can change about a script from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from trainadvisor.commands.common import json_option, lang_option

if TYPE_CHECKING:
    from trainadvisor.changes.declaration import Argument, ChangeSpec


@click.command("changes")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Text, or JSON with both languages.",
)
@json_option
@lang_option
def command(*, form: str, as_json: bool, lang: str | None) -> None:
    """List the remedies that a trial applies to an unmodified script: their arguments, and what each cannot do."""
    from trainadvisor.changes.catalogue import all_changes
    from trainadvisor.commands.common import language
    from trainadvisor.report.text.terminal import emit, width

    specs = list(all_changes().values())
    as_json = as_json or form == "json"
    emit(listed_as_json(specs) if as_json else listed(specs, language(lang), width()))


def listed(specs: list[ChangeSpec], lang: str, width: int) -> str:
    """Return the changes with their arguments, meaning and limits."""
    from trainadvisor.i18n.language import Words
    from trainadvisor.report.text.layout import wrap

    words = Words(lang)
    lines = []
    for spec in specs:
        lines.append(" ".join([spec.name, *(_argument(name, value, lang) for name, value in spec.arguments.items())]))
        doc, limits = (spec.zh, spec.limits_zh) if lang == "zh" else (spec.doc, spec.limits)
        texts = doc, words("changes.limits", text=limits)
        lines += [f"    {line}" for text in texts for line in wrap(text, width - 4)]
    return "\n".join([*lines, "", words("changes.count", count=len(specs))])


def _argument(name: str, argument: Argument, lang: str) -> str:
    from trainadvisor.i18n.told_signals import told_in

    kind = argument.type.upper().replace(" ", "-")
    choices = "|".join(argument.choices) or told_in(lang, "kinds", argument.type, kind)
    shown = "" if argument.default is None else f" ({str(argument.default).lower()})"
    return f"{name}={choices}{shown}"


def listed_as_json(specs: list[ChangeSpec]) -> str:
    """Return the changes as a JSON list."""
    import json

    rows = [
        {
            "change": spec.name,
            "arguments": {
                name: {"type": value.type, "default": value.default, "choices": list(value.choices)}
                for name, value in spec.arguments.items()
            },
            "doc": {"en": spec.doc, "zh": spec.zh},
            "limits": {"en": spec.limits, "zh": spec.limits_zh},
        }
        for spec in specs
    ]
    return json.dumps(rows, indent=2, ensure_ascii=False)
