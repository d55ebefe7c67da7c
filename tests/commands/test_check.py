"""`trainadvisor check`: twenty logs decided as the table of exit codes says, for each option."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from gatelogs import LOGS, LOUD, UNDECIDED, WARNED, write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Call = Callable[..., Any]

ACCEPT = '[tool.trainadvisor]\n[[tool.trainadvisor.accept]]\ncode = "nan-loss"\nreason = "a demo"\n'


def settings(folder: Path, text: str) -> None:
    """Write the settings of the project."""
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")


def test_there_are_twenty_logs() -> None:
    """Passing, failing and undecided ones."""
    assert (len(LOGS), len(LOUD), len(UNDECIDED)) == (20, 7, 3)


@pytest.mark.parametrize("name", LOGS)
def test_the_table_of_exit_codes(call: Call, folder: Path, name: str) -> None:
    """0 passed, 1 failed, 3 cannot tell; the text names the code and the finding that failed."""
    code, finding, _ = LOGS[name]
    outcome = call("check", write(folder, name))
    assert (outcome.code, outcome.err) == (code, "")
    assert outcome.out.startswith({0: "PASS", 1: "FAIL", 3: "UNDECIDED"}[code])
    assert outcome.out.endswith(f"fails on: errors that are at least likely (exit {code})\n")
    assert (f"  error  {finding}" in outcome.out) == (code == 1)


@pytest.mark.parametrize("name", LOGS)
def test_fail_on_never_lets_every_finding_pass(call: Call, folder: Path, name: str) -> None:
    """And asks nothing of a log that cannot tell."""
    assert call("check", write(folder, name), "--fail-on", "never").code == 0


@pytest.mark.parametrize("name", LOGS)
def test_fail_on_warning(call: Call, folder: Path, name: str) -> None:
    """Warnings that are likely fail then too; what is merely possible does not."""
    expected = 1 if name in WARNED else LOGS[name][0]
    assert call("check", write(folder, name), "--fail-on", "warning").code == expected


@pytest.mark.parametrize(
    ("name", "sure", "code"),
    [
        ("overfitted", "low", 1),
        ("overfitted", "possible", 1),
        ("overfitted", "medium", 1),
        ("overfitted", "high", 0),
        ("waiting", "likely", 1),
        ("waiting", "high", 0),
        ("nan", "certain", 1),
    ],
)
def test_min_confidence(call: Call, folder: Path, name: str, sure: str, code: int) -> None:
    """Both spellings mean the same."""
    assert call("check", write(folder, name), "--fail-on", "warning", "--min-confidence", sure).code == code


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--select", "nan-loss"], 1),
        (["--select", "numerics"], 1),
        (["--select", "dead-relu"], 3),
        (["--select", "divergence"], 0),
        (["--select", "missing-backward", "--select", "nan-loss"], 1),
        (["--ignore", "nan-loss"], 0),
        (["--ignore", "numerics"], 0),
        (["--ignore", "divergence"], 1),
    ],
)
def test_select_and_ignore(call: Call, folder: Path, options: list[str], code: int) -> None:
    """By code or by family; a selected check that could not be made is undecided."""
    assert call("check", write(folder, "nan"), *options).code == code


@pytest.mark.parametrize("option", ["--select", "--ignore"])
def test_a_code_that_is_none_is_refused(call: Call, folder: Path, option: str) -> None:
    """A slip must not switch a gate off."""
    outcome = call("check", write(folder, "nan"), option, "nan-los")
    assert outcome.code == 2
    assert outcome.err == f'trainadvisor: {option} nan-los: neither a code nor a family; did you mean "nan-loss"?\n'


@pytest.mark.parametrize(
    ("text", "name", "code"),
    [
        ("loss<=0.3", "falling", 0),
        ("loss<=0.01", "falling", 1),
        ("loss >= 1e-3", "falling", 0),
        ("val_loss<=0.4", "validated", 0),
        ("val_loss<=0.2", "validated", 1),
        ("val_loss<=0.3", "falling", 3),
        ("val_accuracy>=90%", "falling", 3),
        ("step_time_p95<=60ms", "timed", 0),
        ("step_time_p95<=0.04 s", "timed", 1),
        ("memory<=1GB", "timed", 0),
        ("steps==200", "falling", 0),
    ],
)
def test_require(call: Call, folder: Path, text: str, name: str, code: int) -> None:
    """A figure that was not recorded decides nothing."""
    outcome = call("check", write(folder, name), "--require", text)
    assert outcome.code == code
    assert f"require  {text}: " in outcome.out


def test_every_requirement_counts(call: Call, folder: Path) -> None:
    """One that is met does not make up for one that is not; it may be the only thing asked for."""
    log = write(folder, "falling")
    assert call("check", log, "--require", "loss<=1", "--require", "loss<=0.01").code == 1
    assert call("check", log, "--require", "loss<=1", "--fail-on", "never").code == 0
    assert call("check", log, "--require", "loss<=0.01", "--fail-on", "never").code == 1


def test_a_table_is_asked_by_its_own_names(call: Call, folder: Path) -> None:
    """Epochs that are counted from 0 are as many as rows; what is not there is answered with what is."""
    rows = "".join(f"{epoch},{1 / (epoch + 1)},{2 / (epoch + 2)},{epoch / 40}\n" for epoch in range(40))
    (folder / "metrics.csv").write_text(f"epoch,loss,val_loss,val_acc\n{rows}")
    told = call("check", "metrics.csv", "--require", "val_acc>0.9", "--require", "f1>0.1").out
    assert "val_acc>0.9 (val_accuracy): measured 0.975  PASS" in told
    assert "f1 was not recorded; the evaluations have val_acc" in told
    assert "metrics.csv: 40 epochs" in call("diagnose", "metrics.csv").out


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("val_los<=0.3", 'no figure is called val_los; did you mean "val_loss"?'),
        ("val_loss", "cannot be read; write it like val_loss<=0.3"),
        ("val_loss<=1.2.3", "cannot be read"),
        ("step_time<=60MB", "step_time is measured in s or ms or us or min"),
        ("step_time<=60", "step_time is measured in s"),
        ("loss<=3ms", "loss is measured in %"),
    ],
)
def test_a_requirement_that_means_nothing_is_refused(call: Call, folder: Path, text: str, complaint: str) -> None:
    """Before any log is judged."""
    outcome = call("check", write(folder, "falling"), "--require", text)
    assert (outcome.code, outcome.out) == (2, "")
    assert complaint in outcome.err


@pytest.mark.parametrize(
    ("name", "fewest", "code"), [("nan", 100, 1), ("nan", 101, 3), ("falling", 201, 3), ("falling", 200, 0)]
)
def test_min_steps(call: Call, folder: Path, name: str, fewest: int, code: int) -> None:
    """A run that is too short neither fails nor passes."""
    assert call("check", write(folder, name), "--min-steps", fewest).code == code


@pytest.mark.parametrize(("most", "code"), [(0, 3), (100, 0)])
def test_max_unchecked(call: Call, folder: Path, most: int, code: int) -> None:
    """A run of which too much could not be checked does not pass; how many were made is told."""
    outcome = call("check", write(folder, "falling"), "--max-unchecked", most)
    assert outcome.code == code
    assert "checks made" in outcome.out.splitlines()[0]
    assert (f"checks could not be made, at most {most} are allowed" in outcome.out) == (code == 3)


@pytest.mark.parametrize("name", LOGS)
def test_allow_undecided_and_exit_zero(call: Call, folder: Path, name: str) -> None:
    """One lets through what cannot be told, the other what fails; neither both."""
    log, code = write(folder, name), LOGS[name][0]
    assert call("check", log, "--allow-undecided").code == {3: 0}.get(code, code)
    assert call("check", log, "--exit-zero").code == {1: 0}.get(code, code)


@pytest.mark.parametrize(
    ("names", "how", "code"),
    [
        (("falling", "noisy", "nan"), "any", 1),
        (("falling", "noisy", "nan"), "majority", 0),
        (("falling", "nan", "rising"), "majority", 1),
        (("falling", "nan", "short"), "majority", 3),
        (("falling", "nan", "rising"), "all", 0),
        (("nan", "rising"), "all", 1),
        (("nan", "short"), "all", 3),
        (("falling", "short"), "any", 3),
        (("nan", "short"), "any", 1),
        (("falling", "noisy", "nan"), "median", 0),
        (("nan", "infinite", "falling"), "median", 1),
    ],
)
def test_aggregate(call: Call, folder: Path, names: tuple[str, ...], how: str, code: int) -> None:
    """How many of several runs have to fail."""
    assert call("check", *(write(folder, name) for name in names), "--aggregate", how).code == code


@pytest.mark.parametrize(("limit", "how", "code"), [(0.06, "median", 0), (0.06, "any", 1), (0.05, "median", 1)])
def test_median_of_a_required_figure(call: Call, folder: Path, limit: float, how: str, code: int) -> None:
    """One run above the limit is no failure when the middle one is below."""
    logs = [write(folder, name) for name in ("falling", "noisy", "quick")]
    assert call("check", *logs, "--aggregate", how, "--require", f"loss<={limit}").code == code


def test_accepted_findings_do_not_fail_but_are_shown(call: Call, folder: Path) -> None:
    """With the reason."""
    settings(folder, ACCEPT)
    outcome = call("check", write(folder, "nan"))
    assert outcome.code == 0
    assert "accepted: a demo" in outcome.out
    assert "[pyproject.toml]" in outcome.out
    assert call("check", write(folder, "rising")).code == 1


@pytest.mark.parametrize(("day", "code"), [("2000-01-01", 1), ("2999-01-01", 0)])
def test_an_acceptance_ends_with_its_day(call: Call, folder: Path, day: str, code: int) -> None:
    """Then the finding counts again, and that is said."""
    settings(folder, f'{ACCEPT}until = "{day}"\n')
    outcome = call("check", write(folder, "nan"))
    assert outcome.code == code
    assert ("the acceptance of nan-loss ended on 2000-01-01" in outcome.out) == (code == 1)


def test_preview_rules_never_fail(call: Call, folder: Path) -> None:
    """A rule that is tried out is no gate."""
    rules = folder / "rules" / "numerics"
    rules.mkdir(parents=True)
    from trainadvisor.judge.rule_loading import load

    source = load().rules["nan-loss"].path.read_text(encoding="utf-8")
    (rules / "nan-loss.toml").write_text(f"preview = true\n{source}", encoding="utf-8")
    log = write(folder, "nan")
    assert call("check", log, "--fail-on", "note", "--rules", folder / "rules").code == 0
    assert call("check", log, "--fail-on", "note").code == 1


def test_settings_hold_and_options_win(call: Call, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Options over the environment over pyproject.toml."""
    log = write(folder, "waiting")
    settings(folder, '[tool.trainadvisor]\nfail-on = "warning"\n')
    assert call("check", log).code == 1
    monkeypatch.setenv("TRAINADVISOR_FAIL_ON", "error")
    assert call("check", log).code == 0
    assert call("check", log, "--fail-on", "warning").code == 1


def test_levels_of_rules_can_be_set(call: Call, folder: Path) -> None:
    """A warning made an error fails; a finding switched off does not."""
    log = write(folder, "waiting")
    settings(folder, '[tool.trainadvisor.rules]\ndata-loader-bound = "error"\n')
    assert call("check", log).code == 1
    settings(folder, '[tool.trainadvisor.rules]\nnan-loss = "off"\nnan-gradients = "off"\n')
    assert call("check", write(folder, "nan")).code == 0


def test_required_figures_from_the_settings(call: Call, folder: Path) -> None:
    """The command line replaces the figure of the same name."""
    log = write(folder, "falling")
    settings(folder, '[tool.trainadvisor.require]\nloss = "<= 0.01"\n')
    assert call("check", log).code == 1
    assert call("check", log, "--require", "loss<=1").code == 0


def test_without_a_name_the_latest_log_is_checked_and_named(call: Call, folder: Path) -> None:
    """One has to know what passed."""
    write(folder, "falling").rename(folder / "log.json")
    assert call("check").out.startswith("latest log: log.json\nPASS")
    assert call("check", "log.json").out.startswith("PASS")


def test_chinese(call: Call, folder: Path) -> None:
    """Every text of the gate exists in both languages."""
    outcome = call("check", write(folder, "nan"), "--lang", "zh", "--require", "val_loss<=1")
    assert outcome.out.startswith("未通过  ")
    assert "要求  val_loss<=1：未测得" in outcome.out


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("train.py", "that is a script; did you mean `trainadvisor run train.py`?"),
        ("none.json", "there is no such log, folder or run"),
        ("broken.json", "no loss, metric or step was found in it"),
    ],
)
def test_what_is_no_log_is_exit_2(call: Call, folder: Path, name: str, complaint: str) -> None:
    """Also beside a log that could be judged."""
    (folder / "broken.json").write_text("x", encoding="utf-8")
    outcome = call("check", write(folder, "falling"), name)
    assert outcome.code == 2
    assert complaint in outcome.err


def test_an_internal_error_is_exit_4(call: Call, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake of ours is neither a pass nor a failure of the training."""
    from trainadvisor.gate import decision

    monkeypatch.setattr(decision, "decide", lambda *_: 1 / 0)
    assert call("check", write(folder, "falling")).code == 4
