"""Since when a finding holds, in words: from its first step, or only when it was seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainadvisor.i18n.language import Words


def since(onset: int | None, step: int, words: Words) -> str:
    """Return the words behind a finding's name: since its onset; where that is not known, the step of the look.

    Nothing is said of what was there before the first step, as what a source tells: its step is negative.
    """
    if (step if onset is None else onset) < 0:
        return ""
    return (
        words("alert.seen", step=words.number(step))
        if onset is None
        else words("alert.since", step=words.number(onset))
    )
