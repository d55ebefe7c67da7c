"""Texts about a log that counts epochs alone: what is told of its steps is told of epochs."""

import re

COUNTED = {
    "en": ((re.compile(r"\b([Ss])tep (?=\d)"), lambda found: f"{'E' if found[1] == 'S' else 'e'}poch "),
           (re.compile(r"(?<=\d) step(?=s?\b)"), lambda _: " epoch")),
    "zh": ((re.compile(r"(?<=\d) 步(?![长数骤])"), lambda _: " 轮"),),
}  # fmt: skip


def in_epochs(text: str, lang: str) -> str:
    """Return a text whose counted steps are called epochs."""
    for pattern, name in COUNTED[lang]:
        text = pattern.sub(name, text)
    return text
