"""The section on verified remedies in every form of the report."""

import pytest

from trainadvisor.i18n.language import Words
from trainadvisor.judge.result import Diagnosis, Finding, Remedy
from trainadvisor.report.forms import markdown
from trainadvisor.report.html import web_page
from trainadvisor.report.text import full_report, verified

HELPED = {
    "better": True, "text": "accuracy 0.97 against 0.11, 3 of 3 seeds", "metric": "accuracy", "before": 0.11,
    "after": 0.97, "interval": [0.8, 0.92], "seeds": 3, "wins": 3, "margin": 0.05,
    "curves": {"before": [[[0, 2.3], [9, 2.3]]], "after": [[[0, 2.3], [9, 0.1]]]},
}  # fmt: skip
FAILED = {"better": False, "text": "no better", "outcome": "no-better", "metric": "accuracy", "before": 0.11,
          "after": 0.12, "gain": 0.01}  # fmt: skip


def diagnosis(*notes) -> Diagnosis:
    """Return a diagnosis of one finding with a remedy for each note."""
    remedies = [
        Remedy(change="lr", arguments={"factor": float(place)}, applies="try", text=f"remedy {place}", verified=note)
        for place, note in enumerate(notes)
    ]
    finding = Finding(
        code="lr-too-high", family="optimization", kind="cause", severity="error", confidence="likely",
        title="The learning rate is too high", sentence="It is too high.", remedies=remedies,
    )  # fmt: skip
    return Diagnosis(state="broken", summary="broken.", findings=[finding])


def test_what_helped_comes_first():
    """Remedies that did not help stand below those that did; those not tried are left out."""
    listed = verified.tried(diagnosis(FAILED, None, HELPED))
    assert [remedy.text for _, remedy in listed] == ["remedy 2", "remedy 0"]


def test_a_row_tells_figures_gain_and_seeds():
    """The gain is the middle of its interval."""
    remedy = diagnosis(HELPED).findings[0].remedies[0]
    assert verified.row(remedy, Words("en")) == [
        "remedy 0", "accuracy", "0.11", "0.97", "0.86 (0.8 .. 0.92)", "3 of 3",
    ]  # fmt: skip


def test_a_value_that_is_not_finite_is_told():
    """A run whose metric was lost gives nan, as JSON writes it."""
    assert [verified.figure(value) for value in ("NaN", float("nan"), None, 0.12345)] == ["nan", "nan", "nan", "0.123"]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_text_and_markdown_have_the_section(lang):
    """Both say what was verified and what was tried in vain."""
    told = diagnosis(HELPED, FAILED)
    for page in (full_report.render(told, lang), markdown.render(told, lang)):
        assert Words(lang)("verify.section") in page
        assert "0.97" in page


def test_no_section_without_trials():
    """A diagnosis whose remedies were not tried has no such section."""
    told = diagnosis(None)
    for page in (full_report.render(told, "en"), markdown.render(told, "en"), web_page.render(told, "en")):
        assert "Verified remedies" not in page


def test_the_web_page_draws_every_pair():
    """The page holds a table and one curve for each run of the remedy that helped."""
    page = web_page.render(diagnosis(HELPED, FAILED), "en")
    section = page[page.index('id="verified"') : page.index('id="data"')]
    assert section.count("<path") == 2
    assert section.count("<tr>") == 3
