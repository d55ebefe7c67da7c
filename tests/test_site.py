"""The site of the documentation before Sphinx reads it: every page is in it, every link leads somewhere."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from trainadvisor.judge.rule_loading import load

ROOT = Path(__file__).parent.parent
LINK = re.compile(r"\]\(([^)\s]+\.md)(?:#[^)\s]*)?\)")


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """The sources as `make docs` writes them."""
    folder = tmp_path_factory.mktemp("sources")
    done = subprocess.run([sys.executable, ROOT / "docs" / "site", folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def stage(monkeypatch):
    """The module that writes them."""
    monkeypatch.syspath_prepend(str(ROOT / "docs" / "site"))
    import stage

    return stage


def test_both_languages_have_the_same_pages(sources):
    """Every code has a page in either language, and so has every guide."""
    english, chinese = (
        {path.relative_to(sources / lang) for path in (sources / lang).rglob("*.md")} for lang in ("en", "zh")
    )
    assert english == chinese
    assert {Path("codes") / f"{code}.md" for code in load().rules} < english


def test_no_page_of_docs_is_left_out(stage):
    """Each Markdown file of docs/ that is no translation is a page of the site."""
    written = {f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md") if not path.name.endswith(".zh.md")}
    named = {page.source for page in stage.all_pages()}
    assert written - named == {"docs/style.md"}


def test_links_lead_to_pages(sources):
    """Each link within the site is a file of it."""
    for page in sources.rglob("*.md"):
        targets = LINK.findall(page.read_text(encoding="utf-8"))
        assert [target for target in targets if "://" not in target and not (page.parent / target).exists()] == []


def test_each_language_is_told_its_own(sources):
    """A code's page holds one language; the figures and conditions stand in both."""
    english, chinese = (
        (sources / lang / "codes" / "lr-too-high.md").read_text(encoding="utf-8") for lang in ("en", "zh")
    )
    title = load().rules["lr-too-high"].title
    assert english.startswith(f"# lr-too-high: {title('en')}\n")
    assert chinese.startswith(f"# lr-too-high: {title('zh')}\n")
    assert "因为" not in english
    assert "## Thresholds" in english
    assert "## 阈值" in chinese


def test_what_stands_in_the_readme_is_not_written_again(sources):
    """Sections of the README that are pages of their own are no part of the first page."""
    first = (sources / "en" / "index.md").read_text(encoding="utf-8")
    assert "trainadvisor run train.py" in first
    assert "## How it compares" not in first
    assert (sources / "en" / "comparison.md").read_text(encoding="utf-8").startswith("# How it compares\n")


def test_the_interface_of_python_comes_from_its_docstrings(sources):
    """Every public name stands in the page, with what its docstring says."""
    import trainadvisor

    text = (sources / "en" / "api.md").read_text(encoding="utf-8")
    assert all(f"\n## trainadvisor.{name}\n" in text for name in trainadvisor.__all__)
    assert "Give the result of a validation: its loss and any metrics, as accuracy=0.97." in text


@pytest.mark.parametrize(
    ("target", "message"),
    [("gone.md", "run: no file gone.md"), ("ci.md#nowhere", "run: ci has no heading #nowhere")],
)
def test_a_link_that_leads_nowhere_is_an_error(stage, target, message):
    """A file or a heading that is not there is named with the page that wants it."""
    site = stage.Site("en")
    site.pages["run"] = stage.Page("run")
    with pytest.raises(stage.DocsError) as error:
        site._linked("run", f"[there](/docs/{target})")
    assert str(error.value).replace("/docs/", "") == message


def test_what_other_hosts_serve_is_refused(stage, tmp_path):
    """A page that loads a script, a font or a sheet from elsewhere is an error; a link to read is none."""
    import built

    page = tmp_path / "index.html"
    page.write_text('<a href="https://pytorch.org">torch</a><script src="_static/a.js"></script>', encoding="utf-8")
    built.foreign(tmp_path)
    for loaded in (
        '<script src="https://cdn.example/a.js"></script>',
        '<link rel="stylesheet" href="//fonts.example/a.css">',
        "<style>@import url('https://fonts.example/a.css')</style>",
    ):
        page.write_text(loaded, encoding="utf-8")
        with pytest.raises(stage.DocsError, match=r"index\.html"):
            built.foreign(tmp_path)


def test_guides_are_told_in_chinese(sources):
    """Each guide, and the list of commands with the texts of their help."""
    chinese = re.compile("[\u4e00-\u9fff]")
    english = re.compile(r"^\|[^|]*\|\s*[A-Z][a-z ,]{30}", re.MULTILINE)
    for name in ("install", "run", "watch", "ci", "preflight", "verify", "logs", "own-rules", "troubles", "commands"):
        text = (sources / "zh" / f"{name}.md").read_text(encoding="utf-8")
        assert len(chinese.findall(text)) > 100, name
        assert english.findall(text) == [], name
