"""The key of a configuration file that a run was given: found where there is just one, else nothing is claimed."""

from pathlib import Path

import pytest

from trainadvisor.mending import config_files
from trainadvisor.mending.config_files import key_of, place_in_files

FILES = {
    "a.json": '{"lr": 0.1, "optim": {"weight_decay": 60.0}, "twice": {"x": 1}, "again": {"x": 2}}',
    "a.toml": "[optim]\nweight_decay = 60.0\n",
    "a.yaml": "seed: 1\noptim:\n  name: sgd\n  weight_decay: 60.0  # strong\nmodel:\n  width: 3\n",
    "broken.json": "{",
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some files in the current folder."""
    monkeypatch.chdir(tmp_path)
    for name, text in FILES.items():
        Path(name).write_text(text)


@pytest.mark.parametrize("name", ["a.json", "a.toml", "a.yaml"])
def test_a_key_is_found_with_those_around_it(name: str) -> None:
    """In JSON, TOML and plain YAML, given as an option with or without an equals sign."""
    assert place_in_files(["--config", name], "weight_decay") == f"{name}: optim.weight_decay"
    assert place_in_files([f"--config={name}"], "weight_decay") == f"{name}: optim.weight_decay"


def test_each_value_has_the_keys_around_it() -> None:
    """Those of a table that has ended stand around nothing more."""
    assert [entry.keys for entry in config_files.entries_of(Path("a.json"))] == [
        ("lr",), ("optim", "weight_decay"), ("twice", "x"), ("again", "x"),
    ]  # fmt: skip


def test_nothing_is_claimed_that_is_not_sure() -> None:
    """Two such keys, no such key, a broken file, no file."""
    assert place_in_files(["a.json"], "x") is None
    assert place_in_files(["a.json"], "dropout") is None
    assert place_in_files(["broken.json", "none.json"], "lr") is None
    assert place_in_files(["a.json", "a.toml"], "weight_decay") is None


@pytest.mark.parametrize(
    ("words", "key"),
    [('cfg["optim"]["lr"]', "lr"), ("cfg['lr']", "lr"), ("cfg.optim.lr", "lr"), ("o.get('lr')", "lr"),
     ("o.get('lr', 0.1)", "lr"), ("compute(x)", None), ("rate", None)],
)  # fmt: skip
def test_the_last_key_of_an_expression(words: str, key: str | None) -> None:
    """What the value is called where it is read."""
    assert key_of(words) == key


def test_a_file_of_the_largest_size_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And none above it."""
    path = tmp_path / "a.json"
    path.write_text('{"lr": 1}', encoding="utf-8")
    monkeypatch.setattr(config_files, "LARGEST", 9)
    assert len(config_files.entries_of(path)) == 1
    monkeypatch.setattr(config_files, "LARGEST", 8)
    assert config_files.entries_of(path) == []


@pytest.mark.parametrize(("name", "line"), [("a.json", 1), ("a.toml", 2), ("a.yaml", 4)])
def test_a_value_stands_where_its_text_does(name: str, line: int) -> None:
    """So that another one takes its place and nothing else changes."""
    entry = next(entry for entry in config_files.entries_of(Path(name)) if entry.keys[-1] == "weight_decay")
    assert (entry.text[entry.start : entry.end], entry.line) == ("60.0", line)
    assert entry.changed("0.1") == FILES[name].replace("60.0", "0.1")
