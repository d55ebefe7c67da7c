"""The texts of a preflight."""

import string

import pytest

from trainadvisor.i18n.preflight_texts import TEXTS, say


@pytest.mark.parametrize("key", TEXTS)
def test_both_languages_have_the_same_placeholders(key: str) -> None:
    """What one language fills in, the other does too."""
    english, chinese = ({name for _, name, _, _ in string.Formatter().parse(text) if name} for text in TEXTS[key])
    assert english == chinese


def test_texts_are_filled() -> None:
    """A text takes its values in the language asked for."""
    assert say("rate.only", "en", suggestion=0.01) == "range test suggests 1.0e-02"
    assert say("rate.only", "zh", suggestion=0.01) == "范围测试建议 1.0e-02"
