"""Every input that was worth keeping, findings of the fuzzer among them, is taken without an exception."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fuzztargets import CORPUS, TARGETS

if TYPE_CHECKING:
    from pathlib import Path

KEPT = sorted(path for path in CORPUS.rglob("*") if path.is_file())


@pytest.mark.parametrize("path", KEPT, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_was_kept_is_taken(path: Path) -> None:
    """The folder is the target's name."""
    TARGETS[path.parent.name](path.read_bytes())


def test_every_target_has_a_corpus() -> None:
    """And none is larger than a screen of it is worth."""
    assert {path.parent.name for path in KEPT} == set(TARGETS)
    assert sum(path.stat().st_size for path in KEPT) < 500_000
