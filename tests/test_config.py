"""The settings of [tool.trainadvisor]: what they mean and how mistakes in them are reported."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from trainadvisor import configuration, settings
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
    assert configuration.load(tmp_path) == configuration.Config(
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
    assert configuration.load(inner).lang == "zh"


def test_a_file_without_our_section_sets_nothing(tmp_path: Path) -> None:
    """Most projects have none."""
    write(tmp_path, '[project]\nname = "x"')
    assert configuration.load(tmp_path) == configuration.Config()


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
        configuration.load(tmp_path)
    assert str(caught.value).startswith(f"{path}: ")
    assert complaint in str(caught.value)


def test_a_section_that_is_no_table_is_refused(tmp_path: Path) -> None:
    """`trainadvisor = 3` under [tool] is a mistake, not an empty setting."""
    write(tmp_path, "[tool]\ntrainadvisor = 3")
    with pytest.raises(ConfigError, match="must be a table"):
        configuration.load(tmp_path)


EVERYTHING = """
[tool.trainadvisor]
fail-on = "warning"
min-confidence = "medium"
min-steps = 100
max-unchecked = 4
baseline = "ci/baseline.json"
rule-folders = ["my-rules"]
[tool.trainadvisor.rules]
loss-spikes = "off"
plateau = { level = "off", reason = "wanted" }
data-loader-bound = { level = "note", wait_limit = 0.5 }
vanishing-gradients = { level = "error", ignore-modules = ["backbone.*"] }
[tool.trainadvisor.require]
val_loss = "<= 0.30"
step_time_p95 = "<= 60 ms"
[tool.trainadvisor.record]
every = 20
max-overhead = "2 %"
[[tool.trainadvisor.accept]]
code = "class-imbalance"
reason = "long tail by design"
until = 2027-01-01
"""


def test_the_settings_of_the_gate_are_read(tmp_path: Path) -> None:
    """Levels, figures, acceptances; what is off has a reason."""
    write(tmp_path, EVERYTHING)
    found = configuration.load(tmp_path)
    assert (found.fail_on, found.min_confidence, found.min_steps, found.max_unchecked) == ("warning", "likely", 100, 4)
    assert (found.baseline, found.rules) == (tmp_path / "ci" / "baseline.json", (tmp_path / "my-rules",))
    assert found.off == {"loss-spikes": "pyproject.toml", "plateau": "wanted"}
    assert found.levels == {"data-loader-bound": "note", "vanishing-gradients": "error"}
    assert found.thresholds == {"data-loader-bound": {"wait_limit": 0.5}}
    assert found.ignored == {"vanishing-gradients": ("backbone.*",)}
    assert [(entry.metric, entry.op, entry.limit) for entry in found.require] == [
        ("val_loss", "<=", 0.3),
        ("step_time_p95", "<=", 0.06),
    ]
    assert (found.every, found.max_overhead) == (20, 0.02)
    assert [(entry.code, str(entry.until)) for entry in found.accept] == [("class-imbalance", "2027-01-01")]


@pytest.mark.parametrize(
    ("section", "complaint"),
    [
        ('fail-on = "fatal"', "fail-on must be one of note, warning, error, never, not 'fatal'"),
        ('min-confidence = "sure"', "min-confidence must be one of possible, likely, certain, low, medium, high"),
        ("min-steps = -1", "min-steps must be a whole number, not -1"),
        ("baseline = 3", "baseline must be the path of a file"),
        ('rules = { plateau = "of" }', "rules.plateau must be one of off, note, warning, error"),
        ('rules = { plateau = { share = "x" } }', "rules.plateau.share must be a number"),
        ('rules = { plateau = { ignore-modules = "x" } }', "rules.plateau.ignore-modules must be a list of patterns"),
        ('require = { val_los = "<= 1" }', 'no figure is called val_los; did you mean "val_loss"?'),
        ('require = { val_loss = "1" }', "cannot be read"),
        ("record = { evry = 3 }", 'record has no key "evry"; did you mean "every"?'),
        ('record = { max-overhead = "200 %" }', "record.max-overhead must be a share"),
        ('accept = [{ reason = "x" }]', "accept must name the code"),
        ('accept = [{ code = "plateau" }]', "accept plateau must give the reason"),
        ('accept = [{ code = "plateau", reason = "x", until = "soon" }]', "accept plateau must end on a day"),
        ('accept = [{ code = "plateau", resaon = "x" }]', 'accept has no key "resaon"; did you mean "reason"?'),
    ],
)
def test_a_mistake_in_the_settings_of_the_gate_is_named(tmp_path: Path, section: str, complaint: str) -> None:
    """With the file and the key."""
    path = write(tmp_path, f"[tool.trainadvisor]\n{section}\n")
    with pytest.raises(ConfigError) as caught:
        configuration.load(tmp_path)
    assert str(caught.value).startswith(f"{path}: ")
    assert complaint in str(caught.value)


def test_the_environment_wins_over_pyproject_and_that_over_our_own_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Setting by setting, not file by file."""
    own = tmp_path / "trainadvisor.toml"
    own.write_text('fail-on = "note"\nmin-steps = 7\nlang = "zh"\n[off]\nplateau = "own"\n', encoding="utf-8")
    assert configuration.load(tmp_path).fail_on == "note"
    path = write(tmp_path, '[tool.trainadvisor]\nfail-on = "warning"\nmin-steps = 8\noff = { lr-schedule = "project" }')
    monkeypatch.setenv("TRAINADVISOR_FAIL_ON", "error")
    found = configuration.load(tmp_path)
    assert (found.fail_on, found.min_steps, found.lang) == ("error", 8, "zh")
    assert found.off == {"plateau": "own", "lr-schedule": "project"}
    assert {name: origin for name, (_, origin) in found.entries.items()} == {
        "fail-on": "environment variable TRAINADVISOR_FAIL_ON",
        "min-steps": str(path),
        "lang": str(own),
        "off.plateau": str(own),
        "off.lr-schedule": str(path),
    }


@pytest.mark.parametrize(
    ("variable", "value", "complaint"),
    [
        ("TRAINADVISOR_FAIL_ON", "fatal", "environment variable TRAINADVISOR_FAIL_ON: fail-on must be one of"),
        ("TRAINADVISOR_MIN_STEPS", "few", "min-steps must be a whole number, not 'few'"),
        ("TRAINADVISOR_FAILON", "error", 'TRAINADVISOR_FAILON is no setting; did you mean "TRAINADVISOR_FAIL_ON"?'),
    ],
)
def test_a_mistake_in_the_environment_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, complaint: str
) -> None:
    """A slip must not switch a gate off."""
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigError) as caught:
        configuration.load(tmp_path)
    assert complaint in str(caught.value)


def test_other_variables_are_somebody_elses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what looks like a slip is refused."""
    monkeypatch.setenv("TRAINADVISOR_OWN_BUCKET", "x")
    assert configuration.load(tmp_path) == configuration.Config()


def test_levels_and_left_out_modules_change_the_rules(tmp_path: Path) -> None:
    """And a code that is none is refused with the nearest."""
    from trainadvisor.judge.rule_loading import load

    write(tmp_path, '[tool.trainadvisor.rules]\nplateau = "error"\nvanishing-gradients = { ignore-modules = ["b.*"] }')
    rules = load().configured(configuration.load(tmp_path)).rules
    assert (rules["plateau"].severity, rules["vanishing-gradients"].ignored) == ("error", ("b.*",))
    write(tmp_path, '[tool.trainadvisor.rules]\nplateu = "error"')
    with pytest.raises(ConfigError, match='no rule is called plateu; did you mean "plateau"'):
        load().configured(configuration.load(tmp_path))


@pytest.mark.parametrize(
    "key", ["notify", "on-finding", "report", "html", "out", "log", "format", "apply-to", "yes-run"]
)
def test_the_settings_of_a_folder_start_nothing_send_nothing_and_write_nothing(tmp_path: Path, key: str) -> None:
    """Commands, addresses and places to write are typed; a folder that somebody else made cannot set them."""
    write(tmp_path, f'[tool.trainadvisor]\n{key} = "x"\n')
    with pytest.raises(ConfigError, match=f'has no key "{key}"'):
        configuration.load(tmp_path)


def test_the_kinds_of_settings_are_known() -> None:
    """A new setting belongs here only when an untrusted folder may decide it."""
    assert set(settings.KEYS) == {
        "lang", "rules", "rule-folders", "thresholds", "off", "fail-on", "min-confidence", "min-steps",
        "max-unchecked", "baseline",
        "require", "record", "accept",
    }  # fmt: skip
