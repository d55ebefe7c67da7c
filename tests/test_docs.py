"""The generated pages of docs/: what they would be now, complete, and read by a Markdown parser as they are meant."""

import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from trainadvisor.cli import program
from trainadvisor.commands import reference
from trainadvisor.demos.scenarios import SCENARIOS
from trainadvisor.judge.rule_loading import load
from trainadvisor.report.machine import code_pages

DOCS = Path(__file__).parent.parent / "docs"
BOOK = load()
PAGES = code_pages.pages(BOOK, SCENARIOS)


def commands(group, context):
    """Yield every command below a group."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        yield command
        if isinstance(command, click.Group):
            yield from commands(command, context)


def test_the_commands_are_those_of_the_program():
    """`python -m trainadvisor.commands.reference > docs/commands.md` would change nothing, nor would `zh`."""
    assert (DOCS / "commands.md").read_text(encoding="utf-8") == reference.render()
    assert (DOCS / "commands.zh.md").read_text(encoding="utf-8") == reference.render("zh")


def test_every_option_is_listed():
    """Each option of each command stands in the page, with a sentence."""
    text = reference.render()
    for command in [program, *commands(program, click.Context(program))]:
        for param in command.params:
            if isinstance(param, click.Option):
                assert param.help, (command.name, param.name)
                assert all(re.search(rf"`[^`]*(?<![\w-]){re.escape(name)}\b[^`]*` \|", text) for name in param.opts)


def test_the_code_pages_are_those_of_the_rules():
    """`trainadvisor rules pages` would change, add and remove nothing."""
    committed = {path.name: path.read_text(encoding="utf-8") for path in (DOCS / "codes").iterdir()}
    assert sorted(committed) == sorted(PAGES)
    assert [name for name in PAGES if committed[name] != PAGES[name]] == []


def test_every_promise_names_a_test_that_is_there():
    """Files and folders that SECURITY.md names as what tests it."""
    root = DOCS.parent
    named = re.findall(r"`((?:tests|benchmarks)/[^`]+)`", (root / "SECURITY.md").read_text(encoding="utf-8"))
    assert len(named) > 30
    assert [name for name in named if not (root / name).exists()] == []


def test_titles_are_written_alike():
    """In English with a capital letter, unless the name of a type comes first; without a full stop in both."""
    titles = {rule.code: (rule.title("en"), rule.title("zh")) for rule in BOOK.rules.values()}
    assert [code for code, (en, _) in titles.items() if en[0].islower() and not en.startswith("float16")] == []
    assert [code for code, both in titles.items() for title in both if title.endswith((".", "。"))] == []


@pytest.mark.parametrize("rule", BOOK.rules.values(), ids=lambda rule: rule.code)
def test_a_page_says_everything_about_its_rule(rule):
    """Title, search words, thresholds, remedies and lookalikes of both languages stand in the page."""
    page = PAGES[f"{rule.code}.md"]
    for lang in ("en", "zh"):
        assert code_pages.escape(rule.title(lang)) in page
        assert all(code_pages.escape(word) in page for word in rule.texts[lang].get("search", ()))
    assert all(f"| `{name}` | {value:g} |" in page for name, value in rule.thresholds.items())
    assert len(re.findall(r"^\d+\. ", page, re.MULTILINE)) == 2 * len(rule.all_remedies)
    assert all(page.count(f"- [{other['code']}]") == 2 for other in rule.lookalikes)


@pytest.mark.parametrize("name", [*PAGES, "../commands.md"])
def test_markdown_is_read_as_it_is_meant(name):
    """No text becomes markup, and each link leads to a file."""
    parser = pytest.importorskip("markdown_it").MarkdownIt("commonmark").enable("table")
    tokens = parser.parse(PAGES.get(name) or reference.render())
    inner = [*tokens, *(child for token in tokens for child in token.children or ())]
    assert {token.type for token in inner} & {"html_block", "html_inline", "em_open", "image"} == set()
    targets = [str(token.attrGet("href")) for token in inner if token.type == "link_open"]
    places = [DOCS / "codes" / target for target in targets if not target.startswith(("#", "http"))]
    assert [place for place in places if not place.exists()] == []


def test_pages_of_rules_that_are_gone_are_removed(tmp_path):
    """The command writes every page, and removes its own old ones only."""
    (tmp_path / "gone.md").write_text(code_pages.MARK, encoding="utf-8")
    (tmp_path / "mine.md").write_text("by hand", encoding="utf-8")
    done = CliRunner().invoke(program, ["rules", "pages", str(tmp_path)], catch_exceptions=False)
    assert done.exit_code == 0
    assert {path.name for path in tmp_path.iterdir()} == {*PAGES, "mine.md"}
