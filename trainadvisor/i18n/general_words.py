"""General words for what only a run can tell, for texts that are told without one."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from trainadvisor.i18n.language import LANGUAGES

# What most readers have where a snippet needs a name.
USUAL_CODE = {
    "optimizer_class": "AdamW",
    "missing_log": "log_softmax",
    "missing_divergence_log": "log_softmax",
    "missing_output_activation": "softmax",
    "softmax_choice": "N",
}
# A figure told as a percentage, in each language.
SHARE = ("a large share", "很大一部分")


def general_word(code: str, name: str, spec: str, lang: str) -> str | None:
    """Return the words for a name, those of the rule before those for all; None where there are none."""
    place, own = LANGUAGES.index(lang), words().get(code, {})
    if (pair := own.get(name, words()["all"].get(name))) is not None:
        return str(pair[place]) if pair else None
    if spec.endswith("%"):
        return SHARE[place]
    return USUAL_CODE.get(name)


@cache
def words() -> dict[str, dict[str, Any]]:
    """Return the words by rule and name, each in English and Chinese; those for all rules under "all"."""
    import tomllib

    return tomllib.loads(Path(__file__).with_name("unfilled.toml").read_text(encoding="utf-8"))
