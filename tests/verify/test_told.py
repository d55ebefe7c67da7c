"""How a candidate is told: each change by its finding's remedy, else by what the change does in general."""

import pytest

from trainadvisor.i18n.language import Words
from trainadvisor.judge.result import Remedy
from trainadvisor.trials.jobs import Change
from trainadvisor.verify.answer import text
from trainadvisor.verify.plan import Candidate
from trainadvisor.verify.ruled_out import general


def remedy(word):
    """Return a remedy with a text of its own."""
    return Remedy(change=word, arguments={}, applies="try", text=f"the text of {word}")


CLIP, ZERO = Change("clip", {"max_norm": 1.0}), Change("add-zero-grad")


@pytest.mark.parametrize(
    ("changes", "remedies", "parts"),
    [
        ((CLIP,), (remedy("clip"),), ["the text of clip"]),
        ((CLIP, ZERO), (remedy("clip"), remedy("zero")), ["the text of clip", "the text of zero"]),
        ((CLIP, ZERO), (remedy("clip"),), ["the text of clip", ZERO]),
        ((CLIP, ZERO), (None, remedy("zero")), [CLIP, "the text of zero"]),
        ((CLIP,), (), [CLIP]),
    ],
)
def test_each_change_has_its_own_text(changes, remedies, parts):
    """In the order of the changes, in both languages."""
    for lang in ("en", "zh"):
        words = Words(lang)
        told = [part if isinstance(part, str) else general(part, words) for part in parts]
        assert text(Candidate(changes, remedies=remedies), words) == " + ".join(told)
