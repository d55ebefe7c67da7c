"""The figures of a verified remedy in one sentence."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from trainadvisor.figures import short

if TYPE_CHECKING:
    from trainadvisor.i18n.language import Words
    from trainadvisor.verify.trial_runs import Tried
    from trainadvisor.verify.verify_result import Verified


def told(item: Verified, words: Words) -> str:
    """Return "loss after 300 steps 0.41 against 2.30, accuracy 0.97 against 0.11, 3 of 3 seeds; change train.py:41"."""
    first = words(
        "verify.after", metric=words.metric(item.metric), steps=words.number(item.steps),
        after=number(item.after), before=number(item.before),
    )  # fmt: skip
    others = [
        words("verify.figure", metric=words.metric(o.metric), after=number(o.after), before=number(o.before))
        for o in item.others
    ]
    figures = words("clause").join([first, *others])
    key = (
        "verify.sentence.one"
        if item.seeds == 1
        else "verify.sentence.all"
        if item.wins == item.seeds
        else "verify.sentence"
    )
    sentence = words(key, figures=figures, wins=item.wins, seeds=item.seeds)
    places = list(dict.fromkeys(edit.where for edit in item.edits)) or [item.where or ""]
    change = words("verify.change", where=words("comma").join(places))
    return sentence + (words("semicolon") + change if any(places) else "")


def came_close(tried: Tried, words: Words) -> str:
    """Return what a change brought that is too little to be sure of."""
    trial, first = tried.trials[0], tried.compared[0]
    sentence = words(
        "verify.close", changes=" + ".join(change.change for change in tried.candidate.changes),
        metric=words.metric(first.name), after=number(first.after), before=number(first.before),
        margin=number(first.margin),
    )  # fmt: skip
    gone = trial.code is not None and trial.code in trial.gone
    return sentence + (words("semicolon") + words("verify.close.gone", code=trial.code) if gone else "")


def number(value: float) -> str:
    """Return a number with three significant digits."""
    return short(value) if math.isfinite(value) else "nan"
