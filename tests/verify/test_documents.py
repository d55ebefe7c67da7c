"""What a session leaves: the answer in both languages, reports, the changed script."""

import json

import pytest

from trainadvisor.commands import applying, verifying
from trainadvisor.configuration import Config
from trainadvisor.i18n.language import Words
from trainadvisor.report.text.verification import render
from trainadvisor.verify.answer import document


@pytest.fixture
def cured(session):
    """A session that has verified a remedy."""
    made = session("needs add-zero-grad", "loses", seeds=2)
    made.run()
    return made


def test_every_form_of_report_has_the_remedy(cured, tmp_path):
    """Text, Markdown, JSON and a web page in both languages."""
    found = document(cured)
    for ending in ("html", "md", "txt", "json"):
        path = tmp_path / f"out.{ending}"
        verifying.write_report(cured, found, path, Config())
        text = " ".join(path.read_text(encoding="utf-8").split())
        assert "all 2 seeds" in text or "2 of 2" in text
    page = (tmp_path / "out.html").read_text(encoding="utf-8")
    assert "已验证的修改" in page
    assert 'class="pair"' in page
    told = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert told["findings"][0]["remedies"][0]["verified"]["seeds"] == 2


@pytest.mark.parametrize(("lang", "word"), [("en", "VERIFIED"), ("zh", "已验证")])
def test_the_answer_is_printed(cured, lang, word):
    """The answer comes first, then the figures and what is gone."""
    cured.lang = lang
    printed = render(document(cured), Words(lang))
    assert printed.startswith(word)
    assert "missing-zero-grad" in printed


def test_what_failed_is_printed(session):
    """What was tried, and what it rules out."""
    made = session("needs magic", seeds=1, code="missing-zero-grad")
    made.run()
    printed = render(document(made), Words("en"))
    assert printed.startswith("NONE HELPED: none of 2 remedies helped")
    assert "add-zero-grad: no better" in printed


def test_a_change_without_a_literal_line_is_not_written(cured, tmp_path, capsys):
    """The file is not made, and it is said why."""
    applying.apply(cured, "no python\n", tmp_path / "fixed.py", Words("en"))
    assert not (tmp_path / "fixed.py").exists()
    assert "not written" in capsys.readouterr().err
