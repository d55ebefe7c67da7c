"""What the site of the documentation consists of: chapters, pages, and where each page comes from."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
LANGUAGES = ("en", "zh")
FAQ = ("slow-training", "converged-but-poor", "not-converging", "choose-optimizer")


@dataclass(frozen=True)
class Page:
    """One page: its path in the site, and the file, the sections of the README or the generator that it comes from."""

    path: str
    source: str = ""
    # headings of the English README, whose sections stand at the same places in both languages
    sections: tuple[str, ...] = ()
    generated: str = ""


@dataclass(frozen=True)
class Chapter:
    """A part of the list of pages."""

    titles: dict[str, str] = field(default_factory=dict)
    pages: tuple[Page, ...] = ()


HOME = Page("index", "README.md")
CHAPTERS = (
    Chapter({"en": "Questions", "zh": "常见问题"}, tuple(Page(f"faq/{name}", generated="answer") for name in FAQ)),
    Chapter(
        {"en": "Guides", "zh": "指南"},
        (
            Page("install", "docs/install.md"),
            Page("run", "docs/run.md"),
            Page("watch", "docs/watch.md"),
            Page("ci", "docs/ci.md"),
            Page("preflight", "docs/preflight.md"),
            Page("verify", "docs/verify.md"),
            Page("logs", "docs/logs.md"),
            Page("frameworks", "docs/frameworks.md"),
            Page("multi-gpu", "docs/multi-gpu.md"),
            Page("notebooks", "docs/notebooks.md"),
            Page("fleet", "docs/fleet.md"),
            Page("agents", "docs/agents.md"),
            Page("configuration", sections=("Configuration",)),
            Page("own-rules", "docs/own-rules.md"),
            Page("examples", sections=("Examples",)),
        ),
    ),
    Chapter(
        {"en": "Reference", "zh": "参考"},
        (
            Page("codes/index", "docs/codes/README.md"),
            Page("troubles", "docs/troubles.md"),
            Page("commands", "docs/commands.md"),
            Page("faq/more", generated="answers"),
            Page("log-format", "docs/log-format.md"),
            Page("json", generated="json"),
            Page("api", generated="api"),
            Page("rules", "docs/rules.md"),
        ),
    ),
    Chapter(
        {"en": "About", "zh": "关于"},
        (
            Page("accuracy", sections=("How sure it is",)),
            Page("results", "benchmarks/RESULTS.md"),
            Page("comparison", sections=("How it compares",)),
            Page("security", "SECURITY.md"),
            Page("architecture", "docs/architecture.md"),
            Page("contributing", "CONTRIBUTING.md"),
            Page("changes", "CHANGELOG.md"),
        ),
    ),
)


def code_pages() -> list[Page]:
    """Return the page of every code."""
    files = sorted(path for path in (ROOT / "docs" / "codes").glob("*.md") if path.name != "README.md")
    return [Page(f"codes/{path.stem}", f"docs/codes/{path.name}") for path in files]


def all_pages() -> list[Page]:
    """Return every page of the site in one language."""
    return [HOME, *(page for chapter in CHAPTERS for page in chapter.pages), *code_pages()]


def source_in(source: str, lang: str) -> Path:
    """Return the file of a page in a language, or the English one where there is no other."""
    own = ROOT / source.replace(".md", f".{lang}.md")
    return own if lang != "en" and own.exists() else ROOT / source
