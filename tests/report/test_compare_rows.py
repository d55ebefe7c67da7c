"""The table of a page that compares: a row for each run, with its figures of the comparison that shows it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from trainadvisor.report.html import compare_page
from trainadvisor.report.html.compare_page import _line


def _row(key: str, a: str, b: str, metric: str = "") -> Any:
    return SimpleNamespace(key=key, metric=metric, a=a, b=b)


RESULTS: list[Any] = [
    SimpleNamespace(rows=[_row("loss", "of a", "of b"), _row("lr", "0.1", "0.2"), _row("metric", "f", "g", "f1")]),
    SimpleNamespace(rows=[_row("loss", "of a again", "of c")]),
]
LANGS: Any = SimpleNamespace(default=SimpleNamespace(lang="en"), each=lambda say: say(SimpleNamespace(lang="en")))


@pytest.mark.parametrize(
    ("place", "shown"), [(0, ["of a", "0.1", "f"]), (1, ["of b", "0.2", "g"]), (2, ["of c", "n/a", "n/a"])]
)
def test_each_run_has_its_own_figures(monkeypatch: pytest.MonkeyPatch, place: int, shown: list[str]) -> None:
    """The first run stands on the one side of every comparison, each other one on the other side of its own."""
    monkeypatch.setattr(compare_page.compared, "shown", lambda _, value: value)
    diagnosis = SimpleNamespace(findings=[SimpleNamespace(title="cause")] if place else [], state="broken")
    run: Any = SimpleNamespace(name="n" * 500, diagnoses={"en": diagnosis})
    line = _line("abc"[place], run, place, [("loss", ""), ("lr", ""), ("metric", "f1")], RESULTS, LANGS)
    assert line == compare_page.Line(
        "abc"[place], "n" * compare_page.LONGEST_NAME, "broken", "cause" if place else None, shown
    )
