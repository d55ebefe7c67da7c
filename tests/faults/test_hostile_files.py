"""A rule or settings file may be anybody's: what would cost without end is refused in one sentence."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import bounded
import pytest

from trainadvisor import configuration, requirements, settings
from trainadvisor.errors import ConfigError, LogError, RuleError, TrainAdvisorError, UsageError
from trainadvisor.gate import baseline
from trainadvisor.judge.conditions import Place, parse
from trainadvisor.judge.placeholders import fill
from trainadvisor.judge.rule_checks import check_rules
from trainadvisor.judge.rule_loading import load
from trainadvisor.judge.rulebook import rule_files, shipped_rules
from trainadvisor.log.growing import GrowingLog
from trainadvisor.log.reader import read_log

TOML = {
    "larger than 1 MB": "x = '" + "y" * 10_000_000 + "'",
    "nested too deep": "x = " + "[" * 100_000,
    "a key of more than 100 parts in line 2": "\n" + ".".join("k" * 200_000) + " = 1",
    "a key of more than 100 parts in line 1": "[" + " . ".join(["'k'"] * 50_000) + "]",
    "Exceeds the limit": "x = " + "9" * 500_000,
    "Expected newline": "x = 9**9**9",
    "codec can't decode": "x = '\udcff'",
}
SHIPPED = {path.stem: path for path in rule_files(shipped_rules())}


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """A folder with one sound rule of a project."""
    folder = tmp_path / "rules" / "mine"
    folder.mkdir(parents=True)
    shutil.copy(SHIPPED["dead-relu" if "dead-relu" in SHIPPED else min(SHIPPED)], folder / "my-rule.toml")
    load([folder])
    return folder


def refusal(folder: Path) -> str:
    """Return what is said of a folder of rules."""
    with pytest.raises(RuleError) as caught:
        load([folder])
    message = str(caught.value)
    assert message.startswith(str(folder / "my-rule.toml"))
    assert "\n" not in message
    return message


@pytest.mark.parametrize("told", TOML)
def test_a_hostile_rule_file_is_refused(rules: Path, told: str) -> None:
    """Before the parser spends more on it than it is worth."""
    (rules / "my-rule.toml").write_bytes(TOML[told].encode("utf-8", "surrogateescape"))
    assert told in refusal(rules)


@pytest.mark.parametrize("told", TOML)
@pytest.mark.parametrize("name", ["pyproject.toml", "trainadvisor.toml"])
def test_hostile_settings_are_refused(tmp_path: Path, told: str, name: str) -> None:
    """As above."""
    (tmp_path / name).write_bytes(TOML[told].encode("utf-8", "surrogateescape"))
    with pytest.raises(ConfigError) as caught:
        configuration.load(tmp_path)
    assert told in str(caught.value)
    assert str(caught.value).startswith(f"{tmp_path / name}: cannot be read as TOML")


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ("9**9**9 > loss_final", "is not part of the language"),
        ("not " * 100 + "true", "nested deeper than 20 levels"),
        ("steps > 1" + " and steps > 1" * 100, "longer than 500 characters"),
        ("steps > " + "9" * 400, "is not part of the language"),
        ("steps.__class__ == 1", "an attribute is not part of the language"),
        ("__import__('os').system('true') == 0", "this call is not part of the language"),
        ("[x for x in steps] == 1", "is not part of the language"),
    ],
)
def test_a_hostile_condition_is_refused(rules: Path, condition: str, told: str) -> None:
    """A condition calls nothing, and computes no power."""
    text = (rules / "my-rule.toml").read_text(encoding="utf-8")
    head, _, rest = text.partition("\nwhen = [")
    changed = f"{head}\nwhen = [{json.dumps(condition)}]\n{rest.partition(']' + chr(10))[2]}"
    (rules / "my-rule.toml").write_text(changed, encoding="utf-8")
    assert any(told in problem for problem in check_rules([rules]))
    assert "my-rule.toml" in refusal(rules)


def test_numbers_beyond_those_of_a_float_are_unknown() -> None:
    """Whole numbers have any size in Python: products of the largest that may be written."""
    large = "9" * 240
    expression = parse(f"{large} * {large} > steps", Place("f", "k"))
    assert expression.evaluate({"steps": 1}.get) is None


@pytest.mark.parametrize("value", ["1e301", "nan", "inf", "9" * 400])
def test_a_threshold_is_a_number_to_compute_with(rules: Path, tmp_path: Path, value: str) -> None:
    """In rules and in settings."""
    text = (rules / "my-rule.toml").read_text(encoding="utf-8")
    head, _, rest = text.partition("{ value = ")
    (rules / "my-rule.toml").write_text(f"{head}{{ value = {value}, {rest.partition(', ')[2]}", encoding="utf-8")
    assert "thresholds." in refusal(rules)
    (tmp_path / "trainadvisor.toml").write_text(f"thresholds = {{ plateau = {{ x = {value} }} }}")
    with pytest.raises(ConfigError, match="must be a table of numbers"):
        configuration.load(tmp_path)


def test_a_placeholder_asks_for_no_memory(rules: Path) -> None:
    """A width of a hundred columns and more is no format, wherever the text comes from."""
    text = (rules / "my-rule.toml").read_text(encoding="utf-8")
    (rules / "my-rule.toml").write_text(text.replace('title = "', 'title = "{steps:999999999d} ', 1), encoding="utf-8")
    assert "{steps:999999999d} is not a placeholder" in refusal(rules)
    assert fill("{steps:.999999999f}", {"steps": 1.5}.get) == ("1.5", True)


def test_a_pipe_or_folder_named_like_a_rule_is_no_rule(rules: Path) -> None:
    """Reading it would never end."""
    os.mkfifo(rules / "pipe.toml")
    (rules / "folder.toml").mkdir()
    assert "my-rule" in load([rules]).rules


SOUND = {"schema": "trainadvisor/baseline/1", "workload": {}, "metrics": {}, "findings": {}}
ENTRY = {"code": "plateau", "severity": "note", "modules": ""}
BASELINES = {
    "nested too deep": "[" * 100_000,
    "larger than 1 MB": json.dumps({**SOUND, "x": "y" * (1 << 20)}),
    "more than 10,000 entries": json.dumps({**SOUND, "workload": {str(n): 0 for n in range(10_001)}}),
    "the document is no table": "[]",
    "is of the form 'other', not 'trainadvisor/baseline/1'": json.dumps({**SOUND, "schema": "other"}),
    "workload is no table": json.dumps({**SOUND, "workload": [1]}),
    "workload holds values that are no numbers or texts": json.dumps({**SOUND, "workload": {"model": [1]}}),
    "the device is no text": json.dumps({**SOUND, "workload": {"device": 1}}),
    "a finding is no table": json.dumps({**SOUND, "findings": {"a": None}}),
    "a finding has no code": json.dumps({**SOUND, "findings": {"a": {**ENTRY, "code": 1}}}),
    "modules that are no text": json.dumps({**SOUND, "findings": {"a": {**ENTRY, "modules": []}}}),
    "severity 'x'": json.dumps({**SOUND, "findings": {"a": {**ENTRY, "severity": "x"}}}),
    "severity []": json.dumps({**SOUND, "findings": {"a": {**ENTRY, "severity": []}}}),
    "metrics.loss has no range of numbers": json.dumps({**SOUND, "metrics": {"loss": {"low": 1}}}),
    "metrics.val_loss has no range of numbers": json.dumps({**SOUND, "metrics": {"val_loss": {"low": 1, "high": "2"}}}),
}


@pytest.mark.parametrize("told", BASELINES)
def test_a_hostile_baseline_is_refused(tmp_path: Path, told: str) -> None:
    """In one sentence, before anything of it is used."""
    (tmp_path / "b.json").write_text(BASELINES[told], encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        baseline.read(tmp_path / "b.json")
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'b.json'}: is not a baseline (")
    assert told in message
    assert "\n" not in message
    assert len(message) < 600 + len(str(tmp_path))


def test_a_sound_baseline_is_read(tmp_path: Path) -> None:
    """Whatever else a later version writes beside what is known."""
    (tmp_path / "b.json").write_text(json.dumps({**SOUND, "findings": {"a": ENTRY}, "later": []}), encoding="utf-8")
    assert baseline.read(tmp_path / "b.json").findings == {"a": baseline.Entry("plateau", "note", "")}


@pytest.fixture(params=["pipe", "folder", "/dev/zero", "/proc/self/mem"])
def no_file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """What has a name and is no file to read: reading a pipe would wait, reading a device would not end."""
    path = tmp_path / request.param
    if request.param == "pipe":
        os.mkfifo(path)
    elif request.param == "folder":
        path.mkdir()
    return path


def test_what_is_no_file_is_refused_wherever_a_file_is_read(no_file: Path) -> None:
    """A log, a log that grows, a baseline, settings: in one sentence."""
    readers = (
        lambda: read_log(no_file),
        lambda: baseline.read(no_file),
        lambda: settings.read_toml(no_file),
        lambda: load([no_file / "none"]),
    )
    for read in readers:
        with pytest.raises(TrainAdvisorError) as caught:
            read()
        assert str(caught.value).startswith(str(no_file))
        assert "\n" not in str(caught.value)


def test_what_is_no_file_cannot_be_followed(tmp_path: Path) -> None:
    """Nothing would ever come of it."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(LogError, match="is not a regular file"):
        GrowingLog(tmp_path / "pipe").grow()


def test_a_folder_without_end_is_no_folder_of_rules(rules: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its entries are counted while it is walked."""
    monkeypatch.setattr("trainadvisor.regular.MOST_ENTRIES", 20)
    for number in range(19):
        (rules / f"{number}").touch()
    assert [path.name for path in rule_files(rules)] == ["my-rule.toml"]
    (rules / "inner").mkdir()
    with pytest.raises(RuleError, match="holds more than 20 files and folders; name a folder of rules"):
        rule_files(rules)


def test_the_folders_of_the_system_hold_no_rules() -> None:
    """Whatever lies in them."""
    for folder in ("/proc", "/proc/self", "/sys"):
        with pytest.raises(RuleError, match="belongs to the system"):
            rule_files(Path(folder))


def test_more_rules_than_anybody_writes_are_refused(rules: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each may have 1 MB."""
    monkeypatch.setattr("trainadvisor.judge.rulebook.MOST_RULES", 1)
    assert len(rule_files(rules)) == 1
    (rules / "another.toml").touch()
    with pytest.raises(RuleError, match="holds more than 1 rule files"):
        rule_files(rules)


def test_links_to_folders_and_hidden_ones_are_not_walked(rules: Path, tmp_path: Path) -> None:
    """A link to a file is a rule, one to a folder may lead anywhere, and too deep is not looked."""
    (tmp_path / "away").mkdir()
    for place in (tmp_path / "away" / "a.toml", rules / ".git" / "b.toml", rules.joinpath(*"123456789") / "c.toml"):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
    (rules / "link").symlink_to(tmp_path / "away")
    (rules / "loop").symlink_to(rules)
    (rules / "linked.toml").symlink_to(tmp_path / "away" / "a.toml")
    assert [path.name for path in rule_files(rules)] == ["linked.toml", "my-rule.toml"]


@pytest.mark.parametrize("text", ["family = 1", "family = [1]", "[[family]]\nen = 'x'", "[[family]]\nname = 1"])
def test_families_of_another_form_are_refused(rules: Path, text: str) -> None:
    """By the name of the file."""
    (rules / "families.toml").write_text(text, encoding="utf-8")
    with pytest.raises(RuleError, match=r"families\.toml: family must be tables"):
        load([rules])


@pytest.mark.parametrize("count", ["9" * 5000, "-1", "1e3"])
def test_a_count_in_the_environment_is_a_count(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, count: str) -> None:
    """Of a size that is one."""
    monkeypatch.setenv("TRAINADVISOR_MIN_STEPS", count)
    with pytest.raises(TrainAdvisorError, match="must be a whole number"):
        configuration.load(tmp_path)


def test_the_command_line_refuses_them_with_exit_code_two(tmp_path: Path) -> None:
    """In one line each, within 150 MB."""
    (tmp_path / "log.json").write_text('[{"record":"header","format":1},\n{"record":"step","step":0,"loss":1}]')
    hostile = list(TOML.values())
    for number, text in enumerate(hostile):
        folder = tmp_path / f"rules{number}"
        folder.mkdir()
        (folder / "bad.toml").write_bytes(text.encode("utf-8", "surrogateescape"))
    commands = [["diagnose", "log.json", "--rules", f"rules{number}"] for number in range(len(hostile))]
    for outcome in bounded.run(commands, megabytes=150, folder=tmp_path):
        assert (outcome["code"], outcome["out"], outcome["err"].count("\n")) == (2, "", 1), outcome["err"]
        assert outcome["err"].startswith("trainadvisor: rules")
        assert len(outcome["err"]) < 1000


def test_names_that_no_file_can_have_are_no_files(tmp_path: Path) -> None:
    """As that of a log, a folder of rules, a baseline."""
    (tmp_path / "log.json").write_text('[{"record":"header","format":1},\n{"record":"step","step":0,"loss":1}]')
    name = "x" * 100_000
    commands = [
        ["diagnose", name],
        ["compare", "log.json", name],
        ["rules", "check", name],
        ["diagnose", "log.json", "--rules", name],
        ["check", "log.json", "--baseline", name],
    ]
    for outcome in bounded.run(commands, megabytes=150, folder=tmp_path):
        assert (outcome["code"], outcome["out"], outcome["err"].count("\n")) == (2, "", 1), outcome["err"]
        assert outcome["err"].startswith("trainadvisor: xxx")


@pytest.mark.parametrize("number", ["9" * 1000, "1e999", "-1e999"])
def test_a_figure_is_required_to_be_finite(number: str) -> None:
    """A requirement that always holds is a slip."""
    with pytest.raises(UsageError, match="cannot be read"):
        requirements.parse(f"loss <= {number}")
