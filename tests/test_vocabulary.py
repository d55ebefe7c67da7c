"""The words of a verdict: plain strings with an order."""

import json
import re
from pathlib import Path

import pytest

import trainadvisor
from trainadvisor.vocabulary import FAIL_ON, RULE_LEVELS, SURE_ENOUGH, Confidence, Evidence, Severity, State, reaches

PACKAGE = Path(trainadvisor.__file__).parent


def test_words_are_plain_strings() -> None:
    """JSON, dictionaries and sentences see the word."""
    assert json.dumps({"severity": Severity.ERROR}) == '{"severity": "error"}'
    assert (f"{State.NEEDS_ATTENTION}", {"likely": 1}[Confidence.LIKELY]) == ("needs-attention", 1)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (Severity, ["note", "warning", "error"]),
        (Confidence, ["possible", "likely", "certain"]),
        (State, ["healthy", "cannot-tell", "needs-attention", "broken"]),
        (Evidence, ["static", "statistical", "exact", "direct"]),
    ],
)
def test_words_ascend(words: type[Severity], expected: list[str]) -> None:
    """Sorting and max go by the place, not by the alphabet."""
    assert sorted(words, key=lambda word: word) == [words(word) for word in expected]
    assert max(words) == expected[-1]


def test_a_word_compares_with_a_plain_one() -> None:
    """From either side; what is no word of its kind is refused."""
    assert Severity.WARNING >= "warning"
    assert Severity.WARNING < "error"
    assert Severity.WARNING > "note"
    assert not Severity.NOTE > "note"
    with pytest.raises(ValueError, match="loud"):
        _ = Severity.NOTE < "loud"


def test_a_word_is_shifted_within_its_kind() -> None:
    """One higher or lower, and never past the ends."""
    assert [word.shifted(-1) for word in Severity] == ["note", "note", "warning"]
    assert [word.shifted(+1) for word in Confidence] == ["likely", "certain", "certain"]


def test_a_limit_may_be_never() -> None:
    """Nothing is as bad as that."""
    assert [reaches(severity, "warning") for severity in Severity] == [False, True, True]
    assert not any(reaches(severity, "never") for severity in Severity)


def test_options_derive_from_the_words() -> None:
    """What people may write, in the order of help texts."""
    assert FAIL_ON == ("note", "warning", "error", "never")
    assert RULE_LEVELS == ("off", "note", "warning", "error")
    assert list(SURE_ENOUGH) == ["low", "medium", "high", "possible", "likely", "certain"]


def test_nobody_else_lists_levels() -> None:
    """No second list of the severities or of how sure a finding is."""
    listed = re.compile(r'[(\[]"(?:note", "warning|error", "warning|possible", "likely|certain", "likely)"')
    found = [
        str(path.relative_to(PACKAGE))
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.name != "vocabulary.py" and listed.search(path.read_text(encoding="utf-8"))
    ]
    assert found == []
