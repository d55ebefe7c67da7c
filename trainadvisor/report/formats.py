"""The formats of the gate by name: each is a function of entries, a language and the rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainadvisor.report import as_json, concise, github, gitlab, jsonl, junit, markdown, sarif

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trainadvisor.diagnose.rulebook import Rulebook
    from trainadvisor.report.entries import Entry

FORMATS: dict[str, Callable[[Sequence[Entry], str, Rulebook | None], str]] = {
    "concise": concise.render_all,
    "json": as_json.render_all,
    "jsonl": jsonl.render_all,
    "junit": junit.render_all,
    "sarif": sarif.render_all,
    "github": github.render_all,
    "gitlab": gitlab.render_all,
    "markdown": markdown.render_all,
}
