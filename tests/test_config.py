"""The settings of [tool.trainadvisor]: what they mean and how mistakes in them are told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from trainadvisor import config
from trainadvisor.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


def write(folder: Path, text: str) -> Path:
    """Write a pyproject.toml and return its path."""
    path = folder / "pyproject.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_setting_is_read(tmp_path: Path) -> None:
    """Folders of rules are relative to the file that names them."""
    path = write(
        tmp_path,
        """
        [tool.trainadvisor]
        lang = "zh"
        rules = ["my-rules"]
        off = { class-imbalance = "long tail by design" }
        thresholds.vanishing-gradients = { vanish_ratio = 1e-4 }
        """,
    )
    assert config.load(tmp_path) == config.Config(
        lang="zh",
        rules=(tmp_path / "my-rules",),
        off={"class-imbalance": "long tail by design"},
        thresholds={"vanishing-gradients": {"vanish_ratio": 1e-4}},
        source=path,
    )


def test_the_nearest_file_above_holds(tmp_path: Path) -> None:
    """A run from a subfolder has the settings of its project."""
    write(tmp_path, '[tool.trainadvisor]\nlang = "zh"')
    inner = tmp_path / "src" / "deep"
    inner.mkdir(parents=True)
    assert config.load(inner).lang == "zh"


def test_a_file_without_our_section_sets_nothing(tmp_path: Path) -> None:
    """Most projects have none."""
    write(tmp_path, '[project]\nname = "x"')
    assert config.load(tmp_path) == config.Config()


@pytest.mark.parametrize(
    ("section", "complaint"),
    [
        ('langg = "zh"', 'has no key "langg"; did you mean "lang"?'),
        ('lang = "fr"', "lang must be one of"),
        ('rules = "my-rules"', "rules must be a list of folders"),
        ('off = ["class-imbalance"]', "off must be a table"),
        ('off = { class-imbalance = "" }', "off.class-imbalance must give the reason"),
        ("thresholds = { lr-too-high = 3 }", "thresholds.lr-too-high must be a table of numbers"),
        ('thresholds = { lr-too-high = { x = "3" } }', "thresholds.lr-too-high must be a table of numbers"),
        ("thresholds = { lr-too-high = { x = true } }", "thresholds.lr-too-high must be a table of numbers"),
        ("lang = ", "cannot be read as TOML"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, section: str, complaint: str) -> None:
    """The message holds the file, the key, and what to write instead."""
    path = write(tmp_path, f"[tool.trainadvisor]\n{section}\n")
    with pytest.raises(ConfigError) as caught:
        config.load(tmp_path)
    assert str(caught.value).startswith(f"{path}: ")
    assert complaint in str(caught.value)


def test_a_section_that_is_no_table_is_refused(tmp_path: Path) -> None:
    """`trainadvisor = 3` under [tool] is a mistake, not an empty setting."""
    write(tmp_path, "[tool]\ntrainadvisor = 3")
    with pytest.raises(ConfigError, match="must be a table"):
        config.load(tmp_path)
