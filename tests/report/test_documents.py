"""The JSON and Markdown of a diagnosis."""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema
import pytest
from markdown_it import MarkdownIt

from trainadvisor import report
from trainadvisor.errors import LogError, UsageError
from trainadvisor.judge.result import json_schema
from trainadvisor.report import files
from trainadvisor.report.forms import markdown
from trainadvisor.report.machine import json_document

if TYPE_CHECKING:
    from trainadvisor.judge.result import Diagnosis

SCHEMA = Path(report.__file__).parent / "diagnosis.schema.json"


def test_the_published_schema_is_that_of_the_code() -> None:
    """To publish a change, delete the file and run the test twice."""
    schema = json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
    if not SCHEMA.exists():
        SCHEMA.write_text(schema, encoding="utf-8")
        pytest.fail("the schema was missing and is written now")
    assert SCHEMA.read_text(encoding="utf-8") == schema


@pytest.mark.parametrize("name", ["broken", "healthy", "unsure"])
def test_json_validates_against_the_schema(name: str, request: pytest.FixtureRequest) -> None:
    """Programs may rely on it."""
    document = json.loads(json_document.render(request.getfixturevalue(name)))
    jsonschema.validate(document, json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert document["schema"] == "trainadvisor/diagnosis/1"


def test_consequences_stand_inside_what_explains_them(broken: Diagnosis) -> None:
    """To any depth, and nowhere else."""
    document = json.loads(json_document.render(broken))
    first = document["findings"][0]
    assert [item["code"] for item in document["findings"]] == ["lr-too-high", "data-loader-bound", "undertrained"]
    assert [item["code"] for item in first["explains"]] == ["divergence", "exploding-gradients"]
    assert [item["code"] for item in first["explains"][0]["explains"]] == ["nan-loss"]


def test_json_holds_no_control_characters(broken: Diagnosis) -> None:
    """Escaped, it means the same and commands no terminal."""
    broken.findings[0].sentence = "evil\x1b[2J\x9b2J\u202e"
    text = json_document.render(broken)
    assert [character for character in text if ord(character) < 32 or 127 <= ord(character) < 160] == [
        "\n"
    ] * text.count("\n")
    assert json.loads(text)["findings"][0]["sentence"] == "evil\x1b[2J\x9b2J\u202e"


def test_json_keeps_chinese_readable(broken: Diagnosis) -> None:
    """Escapes are for what is unsafe."""
    broken.summary = "学习率过大。"
    assert "学习率过大。" in json_document.render(broken)


def test_markdown_starts_with_the_verdict(broken: Diagnosis) -> None:
    """A heading, then a table of what was found."""
    lines = markdown.render(broken, "en").splitlines()
    assert lines[0] == "### BROKEN: training diverged because the learning rate is too high."
    assert "| error | **lr-too-high** updates are about 10x too large | certain |" in lines


def test_markdown_shows_a_fix_as_a_diff(broken: Diagnosis) -> None:
    """The line to change, before and after."""
    text = markdown.render(broken, "en")
    assert "```diff\n- optimizer = torch.optim.SGD(model.parameters(), lr=0.03, momentum=0.9)\n+ optimizer" in text
    assert "```python\ntorch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)\n```" in text


def test_markdown_in_chinese(broken: Diagnosis) -> None:
    """The words around the rule texts follow the language."""
    assert "| 错误 | **lr-too-high** " in markdown.render(broken, "zh")


def test_names_from_the_log_are_no_markup(broken: Diagnosis) -> None:
    """A layer's name makes no link, table or tag."""
    broken.findings[0].sentence = "<img src=x> | [a](b) `c` @all"
    text = markdown.render(broken, "en")
    assert r"\<img src=x\> \| \[a\](b) \`c\` \@&#8203;all" in text


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("http://evil.example/a", "http&#8203;://evil.example/a"),
        ("<HTTPS://evil.example>", r"\<HTTPS&#8203;://evil.example\>"),
        ("www.evil.example", "www&#8203;.evil.example"),
        ("mailto:me@evil.example", r"mailto:me\@&#8203;evil.example"),
        ("@all #123 o/r#5 GH-12 !7", r"\@&#8203;all \#&#8203;123 o/r\#&#8203;5 GH&#8203;-12 !&#8203;7"),
        ("[^1] [a]: b &lt; $x$", r"\[^&#8203;1\] \[a\]: b \&&#8203;lt; \$&#8203;x\$"),
        ("100 % of 3.5, a-b", "100 % of 3.5, a-b"),
    ],
)
def test_nothing_in_a_text_becomes_a_link(said: str, written: str) -> None:
    """What GitHub and GitLab link of themselves, even where it is escaped, is broken up; plain text stays."""
    assert markdown.escape(said) == written


@pytest.mark.parametrize(
    "said", ["http://evil.example", "<http://evil.example>", "[a](http://e.example)", "[a]: http://e"]
)
def test_a_reader_of_markdown_finds_no_link(said: str) -> None:
    """And shows the text as it is, but for spaces without width."""
    shown = MarkdownIt().render(markdown.escape(said))
    assert "<a " not in shown
    assert html.unescape(shown).replace("\u200b", "") == f"<p>{said}</p>\n"


def test_a_fence_is_longer_than_any_in_the_code(broken: Diagnosis) -> None:
    """Code cannot end its own block."""
    broken.findings[0].remedies[0].code, broken.findings[0].remedies[0].edits = "```\nevil", []
    assert "````python\n```\nevil\n````" in markdown.render(broken, "en")


def test_markdown_fits_into_a_comment(broken: Diagnosis) -> None:
    """Whole sections are left out, the verdict never."""
    broken.findings = [broken.findings[0].model_copy(update={"code": f"code-{number}"}) for number in range(200)]
    text = markdown.render(broken, "en")
    assert len(text) < 64_000
    assert text.startswith("### BROKEN")
    assert text.count("<details>") == text.count("</details>")


@pytest.mark.parametrize(
    ("name", "start"), [("out.txt", "BROKEN: "), ("out.md", "### BROKEN: "), ("out.json", '{\n  "schema": ')]
)
def test_the_ending_of_a_file_chooses_its_format(broken: Diagnosis, tmp_path: Path, name: str, start: str) -> None:
    """One option instead of two."""
    files.write(broken, tmp_path / name, "en")
    assert (tmp_path / name).read_text(encoding="utf-8").startswith(start)


def test_a_file_that_cannot_be_written_is_named(broken: Diagnosis, tmp_path: Path) -> None:
    """A folder stands in its place."""
    (tmp_path / "out.md").mkdir()
    with pytest.raises(LogError, match=r"out\.md: cannot be written"):
        files.write(broken, tmp_path / "out.md", "en")


def test_a_report_replaces_no_file_of_the_users(broken: Diagnosis, tmp_path: Path) -> None:
    """One of ours it does."""
    path = tmp_path / "out.md"
    path.write_text("my notes", encoding="utf-8")
    with pytest.raises(UsageError, match="is no report of trainadvisor's"):
        files.write(broken, path, "en")
    assert path.read_text(encoding="utf-8") == "my notes"
    path.unlink()
    files.write(broken, path, "en")
    files.write(broken, path, "en")
