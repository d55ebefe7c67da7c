"""Texts about a log that counts epochs alone: what is told of its steps is told of epochs."""

import re

COUNTED = {
    "en": ((re.compile(r"\b([Ss])tep (?=\d)"), lambda found: f"{'E' if found[1] == 'S' else 'e'}poch "),
           (re.compile(r"(?<=\d) step(?=s?\b)"), lambda _: " epoch")),
    "zh": ((re.compile(r"(?<=\d) 步(?![长数骤])"), lambda _: " 轮"),),
}  # fmt: skip

# Labels of figures and axes, and names of charts.
LABELS = {"steps": "epochs", "step": "epoch", "Layers over steps": "Layers over epochs", "步数": "轮数", "步": "轮"}


def in_epochs(text: str, lang: str) -> str:
    """Return a text whose counted steps are called epochs."""
    text = LABELS.get(text, text)
    for pattern, name in COUNTED[lang]:
        text = pattern.sub(name, text)
    return text
