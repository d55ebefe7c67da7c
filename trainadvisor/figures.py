"""Figures in texts: nouns that agree with their number in English (1 step, 2 steps), percentages as 86 % or 86%."""

from __future__ import annotations

import re
from string import Formatter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PLURALS = (
    r"answers|batches|blocks|calls|cases|changes|channels|checkpoints|checks|classes|clippings|columns"
    r"|consequences|elements|entries|epochs|errors|evaluations|examples|features|files|findings|frames"
    r"|groups|hours|labels|layers|lines|logits|logs|matrices|modules|notes|numbers|operations|optimizers|adapters|places"
    r"|parameters|passes|points|positions|predictions|processes|reasons|remedies|rows|rules|runs|scores|sections"
    r"|seeds|sequences|sets|signals|spikes|steps|targets|tensors|units|values|warnings|weights"
)
ODD = {"matrices": "matrix", "entries": "entry", "remedies": "remedy"}
HISSING = ("sses", "shes", "ches", "xes")
POWER = re.compile(r"-?\d(?:\.\d+)?e[-+]\d+")
# What is written without a power of ten.
PLAIN = (1e-4, 1e6)
VERBS = {"are": "is", "were": "was", "have": "has", "do": "does"}
# A placeholder, up to two words, the noun that it counts, and the verb that belongs to it.
COUNTED = re.compile(
    r"\{(?P<name>\w+)(?::(?P<spec>[^{}]*))?\}(?P<between>(?: [a-z-]+){0,2}?) "
    rf"(?P<noun>{PLURALS})\b(?: (?P<verb>{'|'.join(VERBS)})\b)?"
)


def agreeing(template: str, rendered: Callable[[str, str], str]) -> str:
    """Return a template with the nouns that it counts in the singular where `rendered` makes 1 of the number."""

    def one(found: re.Match[str]) -> str:
        if rendered(found["name"], found["spec"] or "") != "1":
            return found[0]
        placeholder = found[0][: found[0].index("}") + 1]
        verb = f" {VERBS[found['verb']]}" if found["verb"] else ""
        return f"{placeholder}{found['between']} {singular(found['noun'])}{verb}"

    return COUNTED.sub(one, template)


def singular(noun: str) -> str:
    """Return the singular of a noun that texts count."""
    return ODD.get(noun) or (noun[:-2] if noun.endswith(HISSING) else noun[:-1])


def unspaced(text: str) -> str:
    """Return a Chinese text with its percentages as 86%."""
    return re.sub(r"(?<=\d) %", "%", text)


def short(value: float, digits: int = 3) -> str:
    """Return a figure with so many digits, and a power of ten only where it is very large or small."""
    return written_out(f"{value:.{digits}g}")


def written_out(text: str) -> str:
    """Return a figure that Python wrote as a power of ten as people do: 920, 0.017, 2.9e-5; others as they are."""
    if not POWER.fullmatch(text):
        return text
    value = float(text)
    if not value or PLAIN[0] <= abs(value) < PLAIN[1]:
        return f"{value:.6g}"
    return text.replace("e-0", "e-").replace("e+0", "e").replace("e+", "e")


def spaced(text: str) -> str:
    """Return a percentage as 86 %, which is how all English texts write it."""
    return f"{text[:-1]} %" if text.endswith("%") and text[-2:-1].isdigit() else text


class _Spacing(Formatter):
    def format_field(self, value: Any, format_spec: str) -> str:
        return (
            spaced(super().format_field(value, format_spec))
            if format_spec.endswith("%")
            else written_out(format(value, format_spec))
        )


_formatter = _Spacing()


def filled(text: str, values: Mapping[str, Any], lang: str) -> str:
    """Return a text with its placeholders filled."""
    if lang == "en":
        text = agreeing(text, lambda name, spec: format(values[name], spec) if name in values else "")
    made = _formatter.vformat(text, (), values)
    return unspaced(made) if lang == "zh" else made
