"""Where a finding is said to be in the code, and what of a line matters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from trainadvisor.judge.result import Edit, Finding, Remedy, Site
from trainadvisor.report.machine.gate_entries import marked_at, place

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def finding(sites: Sequence[Site], edits: Sequence[Edit] = ()) -> Finding:
    """Return a finding with these places."""
    remedy = Remedy(change="lr", arguments={}, applies="try", text="", edits=list(edits))
    plain = {
        "family": "loss",
        "kind": "cause",
        "severity": "error",
        "confidence": "certain",
        "title": "t",
        "sentence": "s",
    }
    return Finding(code="nan-loss", sites=list(sites), remedies=[remedy], **plain)


MARKED = Site(file="a.py", line=9, column=3, end_column=7)


@pytest.mark.parametrize(
    ("sites", "edits", "told"),
    [
        ([], [], None),
        ([Site(file="a.py", line=4)], [], ("a.py", 4)),
        ([Site(file="a.py", line=4), MARKED], [], ("a.py", 9)),
        ([Site(file="a.py", line=4)], [Edit(file="b.py", line=5, new="x")], ("b.py", 5)),
        ([MARKED], [Edit(file="b.py", line=5, new="x")], ("a.py", 9)),
        ([Site(file="a.py", line=None), Site(file="b.py", line=2)], [], ("b.py", 2)),
        ([Site(file="a.ipynb", line=3), Site(file="b.py", line=2)], [], ("b.py", 2)),
        ([Site(file="a.py", line=0)], [], None),
        ([Site(file="./sub/../a.py", line=1)], [], ("a.py", 1)),
        ([Site(file="../a.py", line=1)], [], None),
        ([Site(file="/elsewhere/a.py", line=1)], [], None),
    ],
)
def test_a_finding_is_where_its_code_is_marked_then_changed_then_seen(
    tmp_path: Path, sites: list[Site], edits: list[Edit], told: tuple[str, int] | None
) -> None:
    """In a Python file of the folder."""
    assert place(finding(sites, edits), tmp_path) == told
    inside = [Site(file=str(tmp_path / "sub" / "a.py"), line=1)]
    assert place(finding(inside), tmp_path) == ("sub/a.py", 1)


@pytest.mark.parametrize(("path", "line", "known"), [("a.py", 9, True), ("b.py", 9, False), ("a.py", 8, False)])
def test_the_part_of_a_line_that_matters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, line: int, *, known: bool
) -> None:
    """Of that file and line alone; a place without columns says nothing."""
    monkeypatch.chdir(tmp_path)
    found = finding([Site(file="a.py", line=9), MARKED])
    assert marked_at(found, path, line) == (MARKED if known else None)
