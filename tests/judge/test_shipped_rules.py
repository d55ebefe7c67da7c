"""When the shipped rules are read anew, and which keys a table of a rule may have."""

from pathlib import Path

from trainadvisor.judge.compiled_rules import _state
from trainadvisor.judge.rule_schema import Texts, _keys


def test_files_in_folders_count(tmp_path: Path) -> None:
    """At any depth: each with its size."""
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    (tmp_path / "one.toml").write_text("1")
    (deep / "two.toml").write_text("22")
    assert {(Path(path).name, size) for path, size, *_ in _state(tmp_path)} == {("one.toml", 1), ("two.toml", 2)}
    before = _state(tmp_path)
    (deep / "two.toml").write_text("333")
    assert _state(tmp_path) != before


def test_the_innermost_table_decides_about_its_keys() -> None:
    """Texts of a branch are texts."""
    assert _keys(("branches", 0, "en", "title")) == list(Texts.model_fields)
