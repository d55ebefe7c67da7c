"""The signals in Chinese: each has a meaning, and it says no less than the English one."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from trainadvisor.i18n.told_signals import tables, told_in
from trainadvisor.signals import SignalSpec, all_signals

SIGNALS = sorted(
    (spec for spec in all_signals().values() if spec.module.startswith("trainadvisor.signals.")),
    key=lambda spec: (spec.module, spec.name),
)
CHINESE = re.compile("[\u4e00-\u9fff]")
FIGURE = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")
# Longer words come first: what has been read is taken out.
WRITTEN = {
    "hundred thousand": "十万", "twentieth": "二十分之", "fiftieth": "五十分之", "twelvefold": "增至十二倍",
    "tenfold": "放宽至十倍", "threefold": "增至三倍", "eleven": "十一", "twelve": "十二", "thirty": "三十",
    "forty": "四十", "(?:dozen|tens of)": "几十", "halved": "减半", "fifty": "五十", "fifth": "五分之",
    "third": "三分之|第三", "quarter": "四分之", "tenth": "十分之", "hundredth": "百分之", "thousandth": "千分之一",
    "half": "半", "twenty": "二十", "ten": "十", "three": "三", "four": "四", "five": "五", "six": "六", "eight": "八",
}  # fmt: skip


def figures(text: str) -> set[str]:
    """Return the numbers of a text in either language, those written as words under their English names."""
    found = set(FIGURE.findall(text))
    text = text.replace("halves", "half").lower()
    for english, chinese in WRITTEN.items():
        told = re.compile(rf"\b{english}s?\b|{chinese}")
        if told.search(text):
            found.add(english)
            text = told.sub("", text)
    return found


def test_every_signal_has_a_chinese_meaning_and_no_other_name_has_one() -> None:
    """In the order in which `trainadvisor signals` lists them."""
    assert list(tables()["meanings"]) == [spec.name for spec in SIGNALS]
    assert [name for name, text in tables()["meanings"].items() if not CHINESE.search(text)] == []


@pytest.mark.parametrize("spec", SIGNALS, ids=lambda spec: spec.name)
def test_both_meanings_have_the_same_figures(spec: SignalSpec) -> None:
    """A limit that one language lacks, or has as another, is wrong in one of them."""
    assert figures(told_in("zh", "meanings", spec.name, "")) == figures(spec.doc)


def test_every_kind_and_unit_has_a_chinese_word_and_none_is_left_over() -> None:
    """They are few, and each signal, or argument of a change, has one of them."""
    assert set(tables()["kinds"]) == {"number", "whole number", "truth", "word", "layers", "names"}
    assert set(tables()["units"]) == {spec.unit for spec in SIGNALS} - {""}


@pytest.mark.parametrize(
    ("text", "found"),
    [("the last tenth, at least five", {"tenth", "five"}), ("最后十分之一，至少五个", {"tenth", "five"}),
     ("1 % of 4,096", {"1", "4,096"}), ("twenty, not ten", {"twenty", "ten"}), ("二十步", {"twenty"}),
     ("both halves", {"half"}), ("前后半程", {"half"}), ("at 0, 1 and 0.58", {"0", "1", "0.58"})],
)  # fmt: skip
def test_figures_are_read_in_both_languages(text: str, found: set[str]) -> None:
    """As numerals and as words."""
    assert figures(text) == found


def test_a_signal_of_others_keeps_its_english_meaning() -> None:
    """Only ours are translated; in English nothing is looked up."""
    assert told_in("zh", "meanings", "of_somebody", "Twice the loss.") == "Twice the loss."
    assert told_in("en", "meanings", "loss_final", "Twice the loss.") == "Twice the loss."


def test_the_meanings_are_read_only_where_they_are_told() -> None:
    """Judging and English lists need none."""
    code = (
        "from trainadvisor.report.text import listing; from trainadvisor.signals import all_signals; "
        "from trainadvisor.i18n.told_signals import tables; "
        "listing.signals(all_signals().values(), 'en', 80); print(tables.cache_info().currsize)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "0\n"
