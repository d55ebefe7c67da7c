"""Every text exists in both languages with the same placeholders, and the language is chosen in a fixed order."""

from __future__ import annotations

from string import Formatter

import pytest

from trainadvisor.errors import UsageError
from trainadvisor.i18n.language import TEXTS, Words, choose


def placeholders(text: str) -> list[str]:
    """Return the names of a text's placeholders, sorted."""
    return sorted(name for _, name, _, _ in Formatter().parse(text) if name)


@pytest.mark.parametrize("key", TEXTS)
def test_both_languages_have_the_same_placeholders(key: str) -> None:
    """A translation says no less than its original."""
    english, chinese = TEXTS[key]
    assert english
    assert chinese
    assert placeholders(english) == placeholders(chinese)


@pytest.mark.parametrize("text", [text for pair in TEXTS.values() for text in pair])
def test_texts_do_not_shout(text: str) -> None:
    """No exclamation marks anywhere."""
    assert not set(text) & set("!！")


def test_counted_nouns_have_a_singular() -> None:
    """One error is not "1 errors"; Chinese has one form."""
    assert [Words("en").count("errors", count) for count in (0, 1, 2)] == ["0 errors", "1 error", "2 errors"]
    assert [Words("zh").count("errors", count) for count in (1, 2)] == ["1 个错误", "2 个错误"]


def test_thousands_are_separated_in_english_only() -> None:
    """Chinese texts write 3910."""
    assert (Words("en").number(3910), Words("zh").number(3910)) == ("3,910", "3910")


@pytest.mark.parametrize(
    ("option", "variable", "configured", "locale", "lang"),
    [
        ("en", "zh", "zh", "zh_CN.UTF-8", "en"),
        (None, "zh", "en", "en_US.UTF-8", "zh"),
        (None, None, "zh", "en_US.UTF-8", "zh"),
        (None, None, "auto", "zh_CN.UTF-8", "zh"),
        (None, None, None, "zh_TW", "zh"),
        (None, None, None, "de_DE.UTF-8", "en"),
        (None, None, None, None, "en"),
        ("zh_CN.UTF-8", None, None, None, "zh"),
    ],
)
def test_the_option_wins_then_the_variable_then_the_settings_then_the_locale(
    option: str | None, variable: str | None, configured: str | None, locale: str | None, lang: str
) -> None:
    """The nearer to the command, the stronger."""
    pairs = {"TRAINADVISOR_LANG": variable, "LANG": locale}
    assert choose(option, configured, {key: value for key, value in pairs.items() if value}) == lang


def test_an_unknown_language_is_refused() -> None:
    """Silently answering in another language would help nobody."""
    with pytest.raises(UsageError, match="language 'fr' is not known; choose en or zh"):
        choose("fr", None, {})
