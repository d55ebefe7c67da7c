"""The formats of the gate, each read by a program that is not ours."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import jsonschema
import junitparser
import pytest
import xmlschema
from markdown_it import MarkdownIt
from sarif_kit import validation_errors

from trainadvisor.judge.result import Diagnosis, Site
from trainadvisor.judge.rule_loading import load
from trainadvisor.report.formats import DIAGNOSE, FORMS, render, render_all
from trainadvisor.report.forms import concise, github, gitlab, jsonl, junit, markdown, sarif
from trainadvisor.report.machine import json_document
from trainadvisor.report.machine.gate_entries import Entry, place

if TYPE_CHECKING:
    from trainadvisor.judge.rulebook import Rulebook

SCHEMAS = Path(__file__).parent.parent / "schemas"
EVIL = "<b>&\"'\n::error::%25 \x1b[2J\x00 ]]> `code` | @all \u202e [a](http://e.example)"
HIDDEN = "\u061c\u200b\u200d\u200f\u2060\u2066\ufe0f\ufeff\U000e0041\U000e0100\u3164\u00ad"
QUALITY = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "properties": {
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "required": ["path", "lines"],
                "properties": {"lines": {"properties": {"begin": {"type": "integer", "minimum": 1}}}},
            },
        },
    },
}


@pytest.fixture(scope="module")
def book() -> Rulebook:
    """The rules that ship."""
    return load()


@pytest.fixture
def evil(broken: Diagnosis) -> Diagnosis:
    """A run with names that would like to be markup."""
    first = broken.findings[0]
    first.title, first.sentence, first.cause = EVIL, EVIL, EVIL
    first.remedies[0].text = EVIL
    broken.run["log"], broken.summary, broken.unknown[0].how = EVIL, EVIL, EVIL
    return broken


def cases(text: str) -> dict[str, junitparser.TestCase]:
    """Return the test cases of a JUnit document by name, once its schema has been met."""
    xmlschema.XMLSchema(SCHEMAS / "junit.xsd").validate(text)
    return {case.name: case for suite in junitparser.JUnitXml.fromstring(text.encode()) for case in suite}


def test_junit_has_a_case_for_every_rule(broken: Diagnosis, book: Rulebook) -> None:
    """Found, clear and not checked, each under its family."""
    found = cases(junit.render(broken, "en", book))
    followers = {"divergence", "nan-loss", "exploding-gradients"}
    told = {"lr-too-high", "data-loader-bound", "undertrained"} | followers
    assert set(found) == told | {*broken.clear} | {entry.code for entry in broken.unknown}
    assert found["dead-relu"].classname == "trainadvisor.activations"


def test_junit_fails_what_fails(broken: Diagnosis, book: Rulebook) -> None:
    """The text stands in the message and in the body."""
    failure = cases(junit.render(broken, "en", book))["lr-too-high"].result[0]
    assert isinstance(failure, junitparser.Failure)
    assert failure.message == "The learning rate is too high updates are about 10x too large"
    assert "- optimizer = torch.optim.SGD(model.parameters(), lr=0.03, momentum=0.9)" in failure.text


def test_junit_skips_what_was_not_checked_and_what_another_explains(broken: Diagnosis, book: Rulebook) -> None:
    """A reason stands beside it."""
    found = cases(junit.render(broken, "en", book))
    assert found["amp-overflow"].result[0].message == "AMP is off"
    assert found["nan-loss"].result[0].message == "explained by lr-too-high"
    assert not found["undertrained"].result
    assert "found, below the gate" in found["undertrained"].system_out


def test_junit_counts_what_it_holds(broken: Diagnosis, book: Rulebook) -> None:
    """The numbers of the suite are those of its cases."""
    suite = next(iter(junitparser.JUnitXml.fromstring(junit.render(broken, "en", book).encode())))
    assert (suite.tests, suite.failures, suite.skipped) == (12, 2, 6)


def test_junit_follows_the_gate(broken: Diagnosis, book: Rulebook) -> None:
    """A known finding does not fail, an unmet figure does."""
    required = [("loss<=1", "loss<=1: measured 2", False), ("steps>=1", "steps>=1: measured 9", True)]
    entry = Entry(broken, fails={"data-loader-bound"}, excused={"lr-too-high": "known (baseline)"}, required=required)
    found = cases(junit.render_all([entry], "en", book))
    failing = [name for name, case in found.items() if case.result and isinstance(case.result[0], junitparser.Failure)]
    assert failing == ["data-loader-bound", "loss<=1"]
    assert "known (baseline)" in found["lr-too-high"].system_out
    assert found["steps>=1"].classname == "trainadvisor.require"


def test_junit_of_a_healthy_run_fails_nothing(healthy: Diagnosis, book: Rulebook) -> None:
    """All is well."""
    assert 'failures="0"' in junit.render(healthy, "en", book).splitlines()[1]


def test_sarif_meets_the_schema_of_oasis(broken: Diagnosis, book: Rulebook) -> None:
    """The official schema of version 2.1.0 with its first errata."""
    document = json.loads(sarif.render(broken, "en", book))
    assert validation_errors(document) == []
    rule = document["runs"][0]["tool"]["driver"]["rules"][0]
    assert rule["id"] == "lr-too-high"
    assert 0 < len(rule["fullDescription"]["text"]) <= 1024


def test_sarif_tells_only_what_has_a_line(broken: Diagnosis, book: Rulebook) -> None:
    """A wrong line is worse than none."""
    results = json.loads(sarif.render(broken, "en", book))["runs"][0]["results"]
    assert [result["ruleId"] for result in results] == ["lr-too-high"]
    location = results[0]["locations"][0]["physicalLocation"]
    assert (location["artifactLocation"]["uri"], location["region"]["startLine"]) == ("train.py", 41)
    assert results[0]["message"]["text"].startswith("The learning rate is too high. updates are")


def test_sarif_hash_does_not_move_with_the_line(broken: Diagnosis, book: Rulebook) -> None:
    """The same finding ten lines lower is the same finding."""
    before = json.loads(sarif.render(broken, "en", book))["runs"][0]["results"][0]["partialFingerprints"]
    broken.findings[0].remedies[0].edits[0].line = broken.findings[0].sites[0].line = 51
    assert json.loads(sarif.render(broken, "en", book))["runs"][0]["results"][0]["partialFingerprints"] == before


def test_sarif_keeps_its_limits(broken: Diagnosis, book: Rulebook) -> None:
    """Twenty runs in a file."""
    document = json.loads(sarif.render_all([Entry(broken)] * 30, "en", book))
    assert len(document["runs"]) == 20
    assert validation_errors(document) == []


def test_sarif_marks_what_is_known_and_accepted(broken: Diagnosis, book: Rulebook) -> None:
    """Code scanning shows neither as new."""
    known = Entry(broken, fails=(), excused={"lr-too-high": "known (baseline)"}, known={"lr-too-high"})
    accepted = Entry(broken, fails=(), excused={"lr-too-high": "accepted: a demo"})
    document = json.loads(sarif.render_all([known, accepted], "en", book))
    first, second = (run["results"][0] for run in document["runs"])
    assert first["baselineState"] == "unchanged"
    assert second["suppressions"] == [{"kind": "external", "justification": "accepted: a demo"}]
    assert validation_errors(document) == []


def test_gitlab_meets_its_form(broken: Diagnosis) -> None:
    """Description, name, fingerprint, severity and place."""
    issues = json.loads(gitlab.render(broken))
    jsonschema.validate(issues, QUALITY)
    assert [(issue["check_name"], issue["location"]["lines"]["begin"]) for issue in issues] == [("lr-too-high", 41)]
    assert issues[0]["severity"] == "critical"


def test_github_names_file_and_line(broken: Diagnosis) -> None:
    """A finding without a line stays without one."""
    lines = github.render(broken).splitlines()
    assert lines[0].startswith("::error file=train.py,line=41,title=lr-too-high::The learning rate is too high%0A")
    assert lines[1].startswith("::warning title=data-loader-bound::")
    assert lines[2].startswith("::notice title=undertrained::")
    assert len(lines) == 3


def test_github_shows_nine_of_a_kind_at_most(broken: Diagnosis) -> None:
    """The ninth says how many more there are."""
    first = broken.findings[0]
    broken.findings = [first.model_copy(update={"code": f"code-{number}"}) for number in range(20)]
    lines = github.render(broken).splitlines()
    assert len(lines) == 9
    assert lines[8] == "::error title=trainadvisor::12 more findings are not shown here"
    broken.findings = broken.findings[:9]
    assert "code-8" in github.render(broken).splitlines()[8]


def test_github_demotes_what_does_not_fail(broken: Diagnosis) -> None:
    """What the gate lets through is a notice."""
    lines = github.render_all([Entry(broken, fails={"data-loader-bound"})], "en").splitlines()
    assert [line.split(" ")[0] for line in lines] == ["::warning", "::notice", "::notice"]


@pytest.mark.parametrize("form", DIAGNOSE)
def test_what_hides_is_in_no_format(broken: Diagnosis, book: Rulebook, form: str) -> None:
    """Marks without width and tags between the letters of a name, wherever it is told."""
    first = broken.findings[0]
    first.title = first.sentence = first.cause = broken.summary = HIDDEN.join("name")
    first.subjects, broken.notes = [HIDDEN.join("name")], [HIDDEN.join("name")]
    text = render(form, broken, book=book)
    assert not set(HIDDEN) & set(text)


def test_a_message_of_sarif_holds_no_link(evil: Diagnosis, book: Rulebook) -> None:
    """A bracket followed by a parenthesis would be one."""
    text = sarif.render_all([Entry(evil)], "en", book)
    messages = [result["message"]["text"] for result in json.loads(text)["runs"][0]["results"]]
    assert any("[a] (http" in message for message in messages)
    assert not any("](" in message for message in messages)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_names_from_the_log_break_no_format(evil: Diagnosis, book: Rulebook, form: str, lang: str) -> None:
    """Whatever a layer is called, the document stays what it is and commands no terminal."""
    text = render_all(form, [Entry(evil)], lang, book)
    assert not {"\x00", "\x1b", "\u202e"} & set(text)
    if form == "junit":
        cases(text)
    elif form == "sarif":
        assert validation_errors(json.loads(text)) == []
    elif form in ("json", "gitlab"):
        json.loads(text)
    elif form == "github":
        assert all(line.startswith("::") for line in text.splitlines())
        assert not any("::error::" in line.split("::", 2)[1] for line in text.splitlines())
    elif form == "markdown":
        assert "<b>" not in MarkdownIt("commonmark").render(text)


def test_json_lines_are_one_run_and_its_findings(broken: Diagnosis) -> None:
    """Each line is a document; consequences name their cause."""
    lines = [json.loads(line) for line in jsonl.render(broken).splitlines()]
    assert lines[0]["state"] == "broken"
    assert [(line["code"], line["explained_by"]) for line in lines[1:3]] == [
        ("lr-too-high", None),
        ("divergence", "lr-too-high"),
    ]


def test_json_shrinks_to_what_fits(broken: Diagnosis) -> None:
    """Details go first, the verdict never; what is left has the same form."""
    whole = json_document.render(broken)
    assert json_document.render(broken, len(whole.encode())) == whole
    small = json_document.render(broken, len(whole) // 2)
    assert len(small) < len(whole)
    document = json.loads(small)
    assert document.pop("truncated") is True
    assert Diagnosis.model_validate(document).findings[0].code == "lr-too-high"


def test_concise_is_one_line_a_finding(broken: Diagnosis) -> None:
    """Place, level, code, sentence; the verdict last."""
    assert concise.render(broken).splitlines() == [
        "train.py:41: error[lr-too-high] updates are about 10x too large",
        "log.json: warning[data-loader-bound] 61 % of each step waits for data",
        "log.json: note[undertrained] the loss was still falling",
        "log.json: BROKEN: training diverged because the learning rate is too high.",
    ]


def test_concise_tells_of_required_figures_only_those_that_do_not_hold(broken: Diagnosis) -> None:
    """A figure that is missing does not hold either."""
    required = [("a > 1", "a is 2", True), ("b > 1", "b is 0", False), ("c > 1", "c is missing", None)]
    told = concise.render_all([Entry(broken, required=required)], "en").splitlines()
    assert [line for line in told if "require[" in line] == [
        "log.json: require[b > 1] b is 0",
        "log.json: require[c > 1] c is missing",
    ]


def test_sarif_describes_a_rule_by_its_cause(book: Rulebook) -> None:
    """At length by its documentation."""
    made = sarif._rule("lr-too-high", book, "en")
    rule = book.rules["lr-too-high"]
    assert made["fullDescription"]["text"] == sarif._plain(rule.text("cause", "en"))[: sarif.TEXT]
    assert made["help"]["text"] == sarif._plain(rule.text("doc", "en"))
    assert made["fullDescription"]["text"] != made["help"]["text"][: sarif.TEXT]


def test_markdown_is_a_summary_with_a_table_and_a_diff(broken: Diagnosis) -> None:
    """As a Markdown parser sees it: headings from the third level, one table, a block of code."""
    broken.run["loss_curve"] = [[step, 1.0 / (1 + step)] for step in range(20)]
    text = markdown.render(broken)
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    assert [token.tag for token in tokens if token.type == "heading_open"] == ["h3", "h4", "h4"]
    assert sum(token.type == "table_open" for token in tokens) == 1
    assert [token.info for token in tokens if token.type == "fence"] == ["diff", "python"]
    assert "loss `█" in text


def test_markdown_leaves_out_whole_sections(broken: Diagnosis) -> None:
    """Over the limit a comment is refused; it says how many sections are missing."""
    broken.findings = [broken.findings[0].model_copy(update={"code": f"code-{n}"}) for n in range(200)]
    text = markdown.render_all([Entry(broken)], "zh")
    assert len(text.encode()) <= 60_000
    assert text.splitlines()[-1].startswith("*内容过长，省略了 ")
    assert text.count("```diff") == text.count("#### code-")


def test_a_line_outside_the_folder_is_no_place(broken: Diagnosis, tmp_path: Path) -> None:
    """A library's file, or one above the folder, cannot be shown; one inside is made relative."""
    finding = broken.findings[0]
    finding.remedies = []

    def at(file: str, line: int | None) -> tuple[str, int] | None:
        finding.sites = [Site(file=file, line=line)]
        return place(finding, tmp_path)

    assert at("/usr/lib/x.py", 3) is None
    assert at("../x.py", 3) is None
    assert at("train.py", None) is None
    assert at("train.py", 0) is None
    assert at("<stdin>", 3) is None
    assert at(f"{tmp_path}/src/train.py", 3) == ("src/train.py", 3)
    assert at("./src/../train.py", 3) == ("train.py", 3)
    assert at("my train.py", 3) == ("my train.py", 3)


def test_the_place_is_that_of_the_edit_and_of_no_sentence(broken: Diagnosis, tmp_path: Path) -> None:
    """What is to be changed comes before what was made where; a text that names a place is only a text."""
    finding = broken.findings[0]
    finding.sites = [Site(file="model.py", line=7)]
    assert place(finding, tmp_path) == ("train.py", 41)
    finding.remedies[0].edits = []
    assert place(finding, tmp_path) == ("model.py", 7)
    finding.sites = []
    assert (finding.remedies[0].where, place(finding, tmp_path)) == ("train.py:41", None)


def test_github_marks_the_columns_of_a_place(broken: Diagnosis, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where they are known."""
    monkeypatch.setattr(github, "marked_at", lambda *_: SimpleNamespace(column=3, end_column=9))
    assert ",col=3,endColumn=9,title=" in github.render(broken).splitlines()[0]
    monkeypatch.setattr(github, "marked_at", lambda *_: None)
    assert "col=" not in github.render(broken).splitlines()[0]
