"""`trainadvisor fix` and `trainadvisor lint --fix`: what is shown, asked, written and refused."""

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from builders import build_log, make_optimizer
from click.testing import CliRunner

import trainadvisor.telling
from trainadvisor.cli import program
from trainadvisor.errors import UsageError
from trainadvisor.judge.result import Diagnosis, Edit, Finding, Remedy, Site
from trainadvisor.script_mark import mark_of
from trainadvisor.verify.verify_result import Applied, Baseline, Trial, Verification, Verified, as_json

LINE = "opt = torch.optim.SGD(model.parameters(), lr=0.1)"
FAULTY = f"""import torch

model = torch.nn.Linear(3, 1)
{LINE}
for x, y in loader:
    loss = (model(x) - y).square().mean()
    loss.backward()
    opt.step()
"""
SOUND = FAULTY.replace("    loss.backward", "    opt.zero_grad()\n    loss.backward")


def finding(code: str, *remedies: Remedy, site: Site | None = None) -> Finding:
    """Return a finding with some remedies."""
    return Finding(
        code=code, family="wiring", kind="cause", severity="error", confidence="certain", title=f"Title of {code}",
        sentence="It is so.", sites=[site] if site else [], remedies=list(remedies),
    )  # fmt: skip


CLEARED = finding("missing-zero-grad", Remedy(change="add-zero-grad", arguments={}, applies="paste", text="Clear."))
EDIT = Edit(file="train.py", line=4, old=LINE, new=LINE.replace("0.1", "0.01"))
SLOWER = finding(
    "lr-too-high",
    Remedy(change="lr", arguments={}, applies="paste", text="Lower it.", edits=[EDIT]),
    site=Site(file="train.py", line=4, source=LINE),
)
BY_HAND = finding("label-problem", Remedy(change="fix-labels", arguments={}, applies="redesign", text="Look."))


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A faulty script and a log beside it, in the current folder."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "train.py"
    path.write_text(FAULTY)
    (tmp_path / "log.json").write_text("")
    return path


def fix(monkeypatch: pytest.MonkeyPatch, found: list[Finding], *args: str, mark: str | None = None) -> tuple[int, str]:
    """Return exit code and output for a log with some findings."""
    run = {"script": "train.py"} | ({"script_mark": mark} if mark else {})
    diagnosis = Diagnosis(state="broken", summary="Sum.", run=run, findings=found)
    monkeypatch.setattr(trainadvisor.telling, "diagnose", lambda *given, **named: diagnosis)
    result = CliRunner().invoke(program, ["fix", "--lang", "en", *args])
    said = str(result.exception) if isinstance(result.exception, UsageError) else ""
    return result.exit_code, result.output + said


def test_the_change_is_shown_and_nothing_is_written(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--dry-run prints a unified diff that `patch` reads."""
    code, text = fix(monkeypatch, [CLEARED], "--dry-run")
    assert code == 0
    assert text == (
        "missing-zero-grad: Title of missing-zero-grad\n"
        "\n"
        "--- a/train.py\n"
        "+++ b/train.py\n"
        "@@ -4,5 +4,6 @@\n"
        f" {LINE}\n"
        " for x, y in loader:\n"
        "     loss = (model(x) - y).square().mean()\n"
        "+    opt.zero_grad()\n"
        "     loss.backward()\n"
        "     opt.step()\n"
        "\n"
        "train.py was not changed.\n"
    )
    assert script.read_text() == FAULTY


def test_the_change_is_written_beside_a_copy(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--yes writes, and the next command is said."""
    code, text = fix(monkeypatch, [CLEARED, SLOWER], "--yes")
    assert code == 0
    assert text.endswith(
        "train.py was changed. What it was is kept in train.py.orig.\nNext: trainadvisor run train.py\n"
        "Then, to see what it brought: trainadvisor compare log.json\n"
    )
    assert script.read_text() == SOUND
    assert Path("train.py.orig").read_text() == FAULTY


def test_all_and_code_choose(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One finding by its code, or all, each change on top of the other."""
    assert fix(monkeypatch, [CLEARED, SLOWER], "--yes", "--code", "lr-too-high")[0] == 0
    assert script.read_text() == FAULTY.replace("lr=0.1", "lr=0.01")
    script.write_text(FAULTY)
    assert fix(monkeypatch, [SLOWER, CLEARED, BY_HAND], "--yes", "--all")[0] == 0
    assert script.read_text() == SOUND.replace("lr=0.1", "lr=0.01")


def test_all_leaves_what_the_cause_may_clear_for_the_next_run(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Remedies of consequences, and a second change of a line that was changed: both are named, and not made."""
    cause = replace(CLEARED, explains=[SLOWER, BY_HAND])
    code, text = fix(monkeypatch, [cause], "--yes", "--all")
    assert (code, script.read_text()) == (0, SOUND)
    assert "because these changes may clear them: lr-too-high, label-problem\n" in text
    script.write_text(FAULTY)
    again = replace(SLOWER, code="divergence")
    assert fix(monkeypatch, [SLOWER, again], "--yes", "--all")[0] == 0
    assert script.read_text() == FAULTY.replace("lr=0.1", "lr=0.01")


MARK = mark_of(FAULTY)


def verified_by(item: Verified | None, *, mark: str = MARK, trials: Sequence[Trial] = ()) -> None:
    """Leave what verify found of the script in the current folder."""
    answer: Any = "verified" if item else "none-helped"
    document = Verification(
        answer=answer, baseline=Baseline(state="broken", summary=""), trials=list(trials), target="train.py",
        script_mark=mark, verified=[item] if item else [],
    )  # fmt: skip
    Path("verify.json").write_text(as_json(document))


def helped(edit: Edit | None, **facts: Any) -> Verified:
    """Return a remedy that verify found to work."""
    return Verified(
        change="lr", arguments={"value": 0.02}, metric="training loss", before=2.0, after=0.5, interval=[1.0, 2.0],
        seeds=3, wins=3, diff=None, code="lr-too-high", text="Lower it.", steps=9, edits=[edit] * bool(edit), **facts,
    )  # fmt: skip


BETTER = Edit(file="train.py", line=4, old=LINE, new=LINE.replace("0.1", "0.02"))


def test_what_verify_found_to_work_is_written(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of the finding's own value, and said with its figures; --code chooses among findings as ever."""
    verified_by(helped(BETTER))
    code, text = fix(monkeypatch, [CLEARED, SLOWER], "--yes", mark=MARK)
    assert (code, script.read_text()) == (0, FAULTY.replace("lr=0.1", "lr=0.02"))
    assert "Found by trainadvisor verify: training loss after 9 steps 0.5 against 2, better in all 3 seeds" in text
    assert text.endswith("Then, to see what it brought: trainadvisor compare log.json\n")
    script.write_text(FAULTY)
    assert fix(monkeypatch, [CLEARED, SLOWER], "--yes", "--code", "missing-zero-grad", mark=MARK)[0] == 0
    assert script.read_text() == SOUND


def test_what_verify_found_of_another_script_or_line_is_not_written(
    script: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a script that has changed since, and of a line that reads otherwise now."""
    for edit, mark in ((BETTER, "other"), (BETTER.model_copy(update={"old": "opt = None"}), MARK)):
        script.write_text(FAULTY)
        verified_by(helped(edit), mark=mark)
        assert fix(monkeypatch, [SLOWER], "--yes", mark=MARK)[0] == 0
        assert script.read_text() == FAULTY.replace("lr=0.1", "lr=0.01")


@pytest.mark.parametrize("name", ["other.py", "Makefile"])
def test_a_document_names_no_file_that_the_run_was_not_made_of(
    script: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Anybody may have left it: the finding's own value is written, and the file stays."""
    other = script.parent / name
    other.write_text("all = 1\n")
    verified_by(helped(Edit(file=name, line=1, old="all = 1", new="all = 2")))
    assert fix(monkeypatch, [SLOWER], "--yes", mark=MARK)[0] == 0
    assert (other.read_text(), script.read_text()) == ("all = 1\n", FAULTY.replace("lr=0.1", "lr=0.01"))


def test_a_verified_value_that_is_set_elsewhere_is_told(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is written."""
    verified_by(helped(None, elsewhere=["run again with --lr 0.02"]))
    code, text = fix(monkeypatch, [SLOWER], "--yes", mark=MARK)
    assert (code, script.read_text(), "run again with --lr 0.02" in text) == (1, FAULTY, True)


def test_what_verify_knew_no_line_of_is_mended_as_without_it(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The finding that it helped, after what it brought; a part whose line is known is all that is written."""
    told = ["this change is yours to make: Lower it."]
    verified_by(helped(None, elsewhere=told, unknown=1))
    code, text = fix(monkeypatch, [CLEARED, SLOWER], "--yes", mark=MARK)
    assert (code, script.read_text()) == (0, FAULTY.replace("lr=0.1", "lr=0.01"))
    assert "Found by trainadvisor verify: training loss after 9 steps 0.5 against 2" in text
    assert "yours to make" not in text
    script.write_text(FAULTY)
    both = {"elsewhere": told, "unknown": 1, "combined_with": [Applied(change="clip", arguments={})]}
    verified_by(helped(BETTER, **both))
    code, text = fix(monkeypatch, [CLEARED, SLOWER], "--yes", mark=MARK)
    assert (code, script.read_text()) == (0, FAULTY.replace("lr=0.1", "lr=0.02"))
    assert "yours to make" in text


@pytest.mark.usefixtures("script")
def test_no_trial_is_named_where_verify_found_it_to_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left to the person is said without it, and with it where verify found another finding's."""
    trial = finding("lr-too-low", Remedy(change="use-modulelist", arguments={}, applies="adapt", text="Keep them."))
    for code, named in (("lr-too-low", False), ("lr-too-high", True)):
        verified_by(helped(None, unknown=1).model_copy(update={"code": code}))
        text = fix(monkeypatch, [trial], "--yes", "--code", "lr-too-low", mark=MARK)[1]
        assert ("To see first whether it helps" in text) is named


@pytest.mark.parametrize(("arguments", "times"), [({}, 1), ({"value": 3.0}, 0)], ids=["this", "another"])
@pytest.mark.usefixtures("script")
def test_a_change_that_verify_has_tried_in_vain_is_called_so(
    monkeypatch: pytest.MonkeyPatch, arguments: dict[str, Any], times: int
) -> None:
    """Only the very change that is shown."""
    tried = Trial(name="01-lr", changes=[Applied(change="lr", arguments=arguments)], verdict="no-better")
    verified_by(None, trials=[tried])
    text = fix(monkeypatch, [SLOWER], "--dry-run", mark=MARK)[1]
    assert text.count("trainadvisor verify has tried this change: no better.") == times


def test_an_experiment_is_called_one(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the command that tries it, whether a change can be written or not; other remedies are no experiments."""
    command = "trainadvisor verify --code {} train.py\n"
    tried = SLOWER.model_copy(update={"remedies": [SLOWER.remedies[0].model_copy(update={"applies": "try"})]})
    assert command.format("lr-too-high") in fix(monkeypatch, [tried], "--dry-run")[1]
    assert "verify" not in fix(monkeypatch, [SLOWER], "--dry-run")[1]
    guess = finding("label-problem", Remedy(change="fix-labels", arguments={}, applies="try", text="Look."))
    code, text = fix(monkeypatch, [guess], "--yes")
    assert (code, text.endswith(command.format("label-problem"))) == (1, True)
    assert script.read_text() == FAULTY


def test_the_cell_of_a_notebook_is_written(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Found by the lines that the run recorded; without such a notebook it is said."""
    site = {"file": "<ipython-input-2-abc>", "line": 2, "code": LINE}
    build_log(script.parent, steps=2, optimizers=[{**make_optimizer(), "site": site}])
    diagnosis = Diagnosis(state="broken", summary="Sum.", run={"script": "launcher.py"}, findings=[CLEARED])
    monkeypatch.setattr(trainadvisor.telling, "diagnose", lambda *given, **named: diagnosis)
    said = CliRunner().invoke(program, ["fix", "--lang", "en", "--yes"])
    assert "this run was made in a notebook" in str(said.exception)
    head, tail = FAULTY.split("for x")
    cells = [{"cell_type": "code", "metadata": {}, "outputs": [], "source": text} for text in (head, f"for x{tail}")]
    path = script.with_name("work.ipynb")
    path.write_text(json.dumps({"cells": cells, "nbformat": 4}))
    said = CliRunner().invoke(program, ["fix", "--lang", "en", "--yes"])
    assert said.output.endswith("Next: load work.ipynb again and run its cells from the first.\n")
    assert "".join(cell["source"] for cell in json.loads(path.read_text())["cells"]) == SOUND
    assert script.read_text() == FAULTY


def test_a_script_that_was_changed_after_the_run_may_be_mended_already(
    script: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said where no change is known, and not of a script that is older than its log."""
    os.utime(script.with_name("log.json"), (1, 1))
    assert fix(monkeypatch, [BY_HAND], "--yes")[1].splitlines()[-1] == (
        "train.py was changed after this run, so this may be mended already; line numbers are those of the run. "
        "Judge it anew: trainadvisor run train.py"
    )
    os.utime(script, (0, 0))
    assert "may be mended already" not in fix(monkeypatch, [BY_HAND], "--yes")[1]


def test_what_is_refused(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody to ask, a changed line, a script that is gone, a code that was not found, no change known."""
    assert "add --yes" in fix(monkeypatch, [CLEARED])[1]
    assert "--code nothing: was not found in this run" in fix(monkeypatch, [CLEARED], "--code", "nothing")[1]
    code, text = fix(monkeypatch, [BY_HAND], "--yes")
    tried = "  To see first whether it helps: trainadvisor verify train.py\n"
    assert (code, text) == (1, f"label-problem: this change is yours to make: Look.\n{tried}")
    script.write_text(FAULTY.replace("opt = ", "best = "))
    assert "line 4 has changed since the run" in fix(monkeypatch, [SLOWER], "--yes")[1]
    script.unlink()
    assert "the script of this run is not here" in fix(monkeypatch, [CLEARED], "--yes")[1]


def test_what_is_left_to_the_person_has_its_place_and_its_code(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the report shows it: with the names of the script."""
    del script
    remedy = Remedy(change="none", arguments={}, applies="adapt", text="Switch it.", code="net.train()\n\nrun()\n")
    found = finding("eval-mode-in-training", remedy).model_copy(update={"where": "train.py:3"})
    lines = fix(monkeypatch, [found])[1].splitlines()
    assert lines[1:] == ["  train.py:3", "      net.train()", "      run()"]


@pytest.mark.parametrize(("change", "told"), [("normalization", 1), ("fix-labels", 1), ("fix-data", 0), ("none", 0)])
def test_a_trial_is_named_where_one_can_make_the_change(
    change: str, told: int, script: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What has to be mended in the script is no experiment."""
    del script
    remedy = Remedy(change=change, arguments={}, applies="redesign", text="Change it.", code="x = f(x)")
    text = fix(monkeypatch, [finding("label-problem", remedy)])[1]
    assert text.count("  To see first whether it helps: trainadvisor verify train.py\n") == told


def test_lint_says_what_it_cannot_mend(script: Path) -> None:
    """With its line, whether anything else is mended or not."""
    script.write_text(FAULTY.replace("    loss", "    model.eval()\n    loss", 1))
    found = CliRunner().invoke(program, ["lint", "--lang", "en", "train.py"]).output
    said = CliRunner().invoke(program, ["lint", "--lang", "en", "--fix", "--dry-run", "train.py"]).output
    codes = {line.split(": ")[2] for line in found.splitlines() if ": error: " in line or ": warning: " in line}
    told = {line.split(": ")[1] for line in said.splitlines() if "yours to make" in line}
    assert told == codes - {"missing-zero-grad"}


def test_a_sound_run_has_nothing_to_mend(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 0, and why."""
    assert fix(monkeypatch, []) == (0, "There is nothing to mend: Sum.\n")


def test_lint_mends_what_it_finds(script: Path) -> None:
    """The same diff, question and copy."""
    result = CliRunner().invoke(program, ["lint", "--lang", "en", "--fix", "--yes", "train.py"])
    assert result.exit_code == 0
    assert script.read_text() == SOUND
    assert CliRunner().invoke(program, ["lint", "--lang", "en", "train.py"]).output == "0 found in 1 file\n"
