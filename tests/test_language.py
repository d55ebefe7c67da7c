"""Every text exists in both languages with the same placeholders, and the language is chosen in a fixed order."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from string import Formatter

import pytest

from trainadvisor.errors import UsageError
from trainadvisor.i18n import language
from trainadvisor.i18n.language import LANGUAGES, Words, choose, say, texts

SOURCES = {lang: Path(language.__file__).with_name(f"{lang}.toml") for lang in LANGUAGES}
EVERY = [(lang, key) for lang in LANGUAGES for key in texts(lang)]


def placeholders(text: str) -> list[tuple[str, str]]:
    """Return the placeholders of a text with what formats each, sorted."""
    return sorted((name, spec or "") for _, name, spec, _ in Formatter().parse(text) if name)


def test_both_languages_have_the_same_keys_in_the_same_order() -> None:
    """A text that one language lacks would be found by a user; the same order keeps the two files side by side."""
    english, chinese = (
        {group: list(keys) for group, keys in tomllib.loads(path.read_text(encoding="utf-8")).items()}
        for path in SOURCES.values()
    )
    assert list(english) == list(chinese)
    assert english == chinese


def test_no_key_stands_in_two_groups() -> None:
    """Groups are for the reader of the file; the code knows a text by its key alone."""
    groups = tomllib.loads(SOURCES["en"].read_text(encoding="utf-8")).values()
    assert sum(map(len, groups)) == len(texts("en"))


@pytest.mark.parametrize("key", texts("en"))
def test_both_languages_have_the_same_placeholders(key: str) -> None:
    """A translation says no less than its original."""
    english, chinese = (texts(lang)[key] for lang in LANGUAGES)
    assert english
    assert chinese or not english.strip()
    assert placeholders(english) == placeholders(chinese)


@pytest.mark.parametrize(("lang", "key"), EVERY)
def test_texts_do_not_shout(lang: str, key: str) -> None:
    """No exclamation marks anywhere."""
    literal = "".join(text for text, *_ in Formatter().parse(texts(lang)[key]))
    assert not set(literal) & set("!！")


def test_a_text_is_filled_in_the_language_asked_for() -> None:
    """Numbers are formatted as the text says."""
    assert say("preflight.rate.only", "en", suggestion=0.01) == "range test suggests 0.01"
    assert say("preflight.rate.only", "zh", suggestion=0.01) == "范围测试建议 0.01"


def test_no_text_is_read_before_one_is_needed() -> None:
    """`--help` shows none."""
    code = "import trainadvisor.i18n.language as l; l.choose('en'); print(l.texts.cache_info().currsize)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "0\n"


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
