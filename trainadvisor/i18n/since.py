"""Since when a finding holds, in words: from its first step, or only when it was seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainadvisor.i18n.language import Words


def since(onset: int | None, step: int, words: Words) -> str:
    """Return the words behind a finding's name: since its onset; where that is not known, the step of the look."""
    if onset is None:
        return words("alert.seen", step=words.number(step))
    return words("alert.since", step=words.number(onset)) if onset >= 0 else ""  # negative: before the first step
