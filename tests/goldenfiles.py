"""Golden files: what was approved once, compared with what comes out now."""

from __future__ import annotations

from pathlib import Path

import pytest

GOLDEN = Path(__file__).parent / "golden"
LOGS = GOLDEN / "logs"
"""Recorded trainings of a few seconds each, kept packed."""


def hold(name: str, made: str) -> None:
    """Compare with a golden file: to approve a change, delete the file, run the test twice and read the difference."""
    path = GOLDEN / name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(made, encoding="utf-8")
        pytest.fail(f"{name} was missing and is written now; read it")
    assert made == path.read_text(encoding="utf-8")
