"""The shipped rules compiled into one file: the same rules, parsed as TOML only when one has changed."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

import pytest

from trainadvisor.errors import RuleError
from trainadvisor.judge import compiled_rules
from trainadvisor.judge.rulebook import FAMILIES, read, rule_of, shipped_rules

if TYPE_CHECKING:
    from pathlib import Path

CODES = ("wiring/missing-zero-grad", "numerics/nan-loss")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of two rules, and a place of its own for the compiled file."""
    monkeypatch.setattr(compiled_rules, "_place", lambda: tmp_path / "cache" / "rules.json")
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    for name in (*(f"{code}.toml" for code in CODES), FAMILIES):
        (tmp_path / "rules" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(shipped_rules() / name, tmp_path / "rules" / name)
    return tmp_path / "rules"


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that were parsed as TOML."""
    names: list[str] = []
    monkeypatch.setattr(compiled_rules, "read", lambda path: (names.append(path.name), read(path))[1])
    return names


def fresh(folder: Path) -> dict:
    """Load as a new process does."""
    compiled_rules._made.cache_clear()
    return compiled_rules.shipped(folder)[0]


def test_the_second_process_parses_nothing(folder: Path, parsed: list[str]) -> None:
    """It gets the same rules."""
    first = fresh(folder)
    assert sorted(parsed) == [FAMILIES, "missing-zero-grad.toml", "nan-loss.toml"]
    parsed.clear()
    assert fresh(folder) == first
    paths = [folder / f"{code}.toml" for code in CODES]
    assert first == {path.stem: rule_of(path, read(path)) for path in paths}
    assert parsed == []


def test_a_changed_rule_is_seen_in_the_same_process(folder: Path, parsed: list[str]) -> None:
    """By its content, whatever its time."""
    assert fresh(folder)["nan-loss"].severity == "error"
    path = folder / "numerics" / "nan-loss.toml"
    text = path.read_text(encoding="utf-8").replace('severity = "error"', 'severity = "note"')
    path.write_text(text, encoding="utf-8")
    assert compiled_rules.shipped(folder)[0]["nan-loss"].severity == "note"
    assert "nan-loss.toml" in parsed


def test_no_file_is_written_where_python_writes_no_bytecode(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless that is asked for."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    fresh(folder)
    assert not (folder.parent / "cache").exists()
    compiled_rules.compile_rules(folder)
    assert (folder.parent / "cache" / "rules.json").is_file()


@pytest.mark.parametrize("text", [b"", b"[1]", b'{"digest": 1}', b"\xff"])
def test_a_damaged_file_is_written_anew(folder: Path, parsed: list[str], text: bytes) -> None:
    """It costs the time of parsing once."""
    fresh(folder)
    (folder.parent / "cache" / "rules.json").write_bytes(text)
    parsed.clear()
    fresh(folder)
    assert len(parsed) == 3
    fresh(folder)
    assert len(parsed) == 3


def test_a_place_that_cannot_be_written_is_no_fault(folder: Path, parsed: list[str]) -> None:
    """The rules are parsed each time."""
    (folder.parent / "cache").write_text("a file", encoding="utf-8")
    assert fresh(folder) == fresh(folder)
    assert len(parsed) == 6


def test_a_missing_file_is_told(folder: Path) -> None:
    """With its path, and what to do."""
    (folder / FAMILIES).unlink()
    with pytest.raises(RuleError, match=r"families\.toml: cannot be read .*; install trainadvisor again"):
        fresh(folder)
