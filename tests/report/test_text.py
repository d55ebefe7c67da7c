"""The terminal report: whole pages against golden files, and what single parts promise."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from trainadvisor.i18n.language import Words
from trainadvisor.judge.result import Diagnosis, Edit
from trainadvisor.report.text import finding_block, full_report
from trainadvisor.report.text.healthy import run_line
from trainadvisor.report.text.layout import cells

GOLDEN = Path(__file__).parent.parent / "golden"
ANSI = re.compile("\x1b\\[[0-9;]*m")
SHORT = "the first steps are recorded whole, long runs keep to 1 % of the time"


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("name", ["broken", "healthy", "unsure"])
def test_the_whole_page(name: str, lang: str, request: pytest.FixtureRequest) -> None:
    """The page is what a person approved: to approve a change, delete the file and run the test twice."""
    page = full_report.render(request.getfixturevalue(name), lang, width=80) + "\n"
    path = GOLDEN / f"{name}.{lang}.txt"
    if not path.exists():
        path.write_text(page, encoding="utf-8")
        pytest.fail(f"{path.name} was missing and is written now; read it")
    assert page == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [60, 80, 100])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_only_code_is_wider_than_the_terminal(broken: Diagnosis, lang: str, width: int) -> None:
    """Code lines are to be copied and stay whole."""
    code = [line for remedy in broken.findings[0].remedies for line in (remedy.code or "").split("\n")]
    lines = full_report.render(broken, lang, width=width, verbose=True).split("\n")
    assert [line for line in lines if cells(line) > width and line.strip() not in code] == []


def test_color_adds_nothing_but_color(broken: Diagnosis) -> None:
    """Words carry the meaning; without the escapes the page is the same."""
    colored = full_report.render(broken, "en", color=True)
    assert "\x1b[1;31merror[lr-too-high]\x1b[0m" in colored
    assert ANSI.sub("", colored) == full_report.render(broken, "en")


def test_quiet_is_the_verdict_line(broken: Diagnosis) -> None:
    """One line for scripts and prompts."""
    assert (
        full_report.render(broken, "en", quiet=True)
        == "BROKEN: training diverged because the learning rate is too high."
    )


def test_names_from_the_log_never_command_the_terminal(broken: Diagnosis) -> None:
    """An escape sequence in any text of a diagnosis comes out as visible characters."""
    hostile = broken.model_copy(deep=True)
    first = hostile.findings[0]
    for field in ("sentence", "where", "cause", "verify", "title"):
        setattr(first, field, "evil\x1b]0;pwned\x07\x9b")
    first.subjects = ["a\x1b[2J"] * 9
    first.evidence[0].text = first.remedies[0].text = first.remedies[0].code = "b\x1b[2J\r"
    first.explains[0].title = "c\x1b[2J"
    hostile.summary = "d\x1b[2J"
    hostile.unknown[0].how = "e\x1b[2J"
    hostile.run["log"] = "f\x1b[2J"
    for lang in ("en", "zh"):
        page = full_report.render(hostile, lang, verbose=True)
        assert [character for character in page if ord(character) < 32 or 127 <= ord(character) < 160] == [
            "\n"
        ] * page.count("\n")


def test_at_most_three_errors_are_expanded(broken: Diagnosis) -> None:
    """The rest have one line each; -v expands all."""
    first = broken.findings[0]
    broken.findings = [first.model_copy(update={"code": f"code-{number}"}) for number in range(5)]
    assert full_report.render(broken, "en").count("  verify  ") == 3
    assert full_report.render(broken, "en").count("error[code-") == 5
    assert full_report.render(broken, "en", verbose=True).count("  verify  ") == 5


def test_at_most_two_remedies_are_shown(broken: Diagnosis) -> None:
    """More choices are a list, not advice; -v shows them."""
    first = broken.findings[0]
    first.remedies = [first.remedies[1].model_copy(update={"text": f"remedy {number}"}) for number in range(4)]
    assert re.findall(r"remedy \d", full_report.render(broken, "en")) == ["remedy 0", "remedy 1"]
    assert len(re.findall(r"remedy \d", full_report.render(broken, "en", verbose=True))) == 4


def test_the_first_of_several_remedies_is_told_to_be_tried_first(broken: Diagnosis) -> None:
    """And the next one is called a second choice; a lone one is just the fix."""
    first = broken.findings[0]
    first.remedies = [first.remedies[0].model_copy(update={"text": f"remedy {number}"}) for number in range(2)]
    told = full_report.render(broken, "en")
    assert ("  try first  remedy 0" in told, "  otherwise  remedy 1" in told) == (True, True)
    first.remedies = first.remedies[:1]
    assert "  fix        remedy 0" in full_report.render(broken, "en")


@pytest.mark.parametrize("edited", [True, False])
def test_the_end_names_the_command_that_shows_an_edit(broken: Diagnosis, *, edited: bool) -> None:
    """Only where the first finding has an edit of the user's own lines."""
    edit = Edit(file="train.py", line=3, old="lr = 1", new="lr = 0.1")
    first = broken.findings[0]
    first.remedies = [remedy.model_copy(update={"edits": [edit] if edited else []}) for remedy in first.remedies]
    broken.run["log"] = "runs/log.json"
    told = full_report.render(broken, "en", width=100)
    assert told.endswith("write it if you agree: trainadvisor fix runs/log.json") == edited
    narrow = full_report.render(broken, "en", width=60).splitlines()[-1]
    assert (narrow == "  trainadvisor fix runs/log.json") == edited


def test_verbose_lists_every_check(broken: Diagnosis) -> None:
    """What was fine is named when asked for."""
    assert "vanishing-gradients, dead-relu, overfitting" in full_report.render(broken, "en", verbose=True)
    assert "vanishing-gradients" not in full_report.render(broken, "en")


def test_what_was_not_recorded_has_no_line(healthy: Diagnosis) -> None:
    """A healthy run without validation says nothing about validation, least of all 0.0."""
    healthy.run = {"loss_first": 2.31, "loss_final": 0.18}
    page = full_report.render(healthy, "en")
    assert "  loss         2.31 -> 0.18 train\n" in page
    assert "validation  " not in page
    assert "gradients" not in page


def test_a_warning_after_an_error_shows_its_fix_only(broken: Diagnosis) -> None:
    """Evidence and cause of what matters less are one command away."""
    page = full_report.render(broken, "en")
    assert "the loader works only while the model waits" not in page
    assert "num_workers=4" in page


def test_a_lone_warning_is_told_in_full(broken: Diagnosis) -> None:
    """The first finding always has its cause."""
    broken.findings = broken.findings[1:]
    assert "the loader works only while the model waits" in full_report.render(broken, "en")


@pytest.mark.parametrize(
    ("run", "line"),
    [
        (
            {"steps": 40, "device": "cpu", "overhead": 0.1734, "overhead_seconds": 0.4321, "overhead_budget": 0.01},
            f"40 steps, cpu, recording took about 0.4 s: {SHORT}",
        ),
        (
            {
                "steps": 1079,
                "left_out": 96,
                "planned_steps": 1175,
                "overhead": 0.3,
                "overhead_seconds": 2.4,
                "overhead_budget": 0.01,
            },
            f"1,175 steps, recording took about 2 s: {SHORT}",
        ),
        (
            {"steps": 20_000, "overhead": 0.009, "overhead_seconds": 9.0, "overhead_budget": 0.01},
            "20,000 steps, recording cost 0.9 % of the time",
        ),
        ({"steps": 40, "device": "cpu", "overhead": 0.1734}, "40 steps, cpu, recording cost 20 % of the time"),
        ({"steps": 40, "device": "cpu", "overhead": 0.0}, "40 steps, cpu, recording cost < 0.1 % of the time"),
        ({"steps": 40, "device": "cpu", "overhead": 0.0312}, "40 steps, cpu, recording cost 3 % of the time"),
        ({"steps": 40, "device": "cpu", "overhead": 0.0046}, "40 steps, cpu, recording cost 0.5 % of the time"),
        ({"steps": 40, "device": "cpu", "overhead": None}, "40 steps, cpu"),
    ],
)
def test_the_run_in_one_line_says_what_recording_took(run: dict[str, Any], line: str) -> None:
    """Where that is known: the figure of the whole run, not of its start."""
    assert run_line(Words("en"), run) == line


def test_steps_that_the_log_leaves_out_are_told_on_request() -> None:
    """They are counted among the steps of the training."""
    run = {"steps": 1079, "left_out": 96, "planned_steps": 1175}
    assert run_line(Words("en"), run) == "1,175 steps"
    assert run_line(Words("en"), run, verbose=True) == "1,175 steps, 96 steps are not in the log, to save time"


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"dead_unit_share_worst": 0.0}, "activations  dead units 0 %"),
        ({"dead_unit_share_worst": 0.0, "lacking": ["rectifiers"]}, ""),
        ({"generalization_gap": 0.06}, "validation loss 0.06 above that of training (a little above is usual)"),
        ({"generalization_gap": -0.00971}, "validation loss 0.00971 below that of training: no overfitting"),
        ({"loss_first": 1.4, "loss_final": 0.1, "trivial_loss": 1.39}, "0.1 train (without learning it would be 1.39)"),
    ],
)  # fmt: skip
def test_a_figure_of_a_healthy_run_says_what_it_means(facts: dict[str, Any], told: str) -> None:
    """A share of layers that the model does not have is none."""
    page = full_report.render(Diagnosis.model_validate({"state": "healthy", "summary": "fine", "run": facts}), "en")
    assert told in page
    assert ("dead units" in page) is ("dead units" in told)


def test_a_number_of_ours_names_no_subject() -> None:
    """An evaluation is numbered by the recorder; a layer has the name that the user gave it."""
    assert finding_block.named(["evaluation 0", "fc1", "evaluation loop"]) == ["fc1", "evaluation loop"]


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"best_eval": 6, "evals": 8, "val_loss_best": 0.17881, "val_loss_final": 0.17934},
         "best in evaluation 6 of 8 (loss 0.1788), last 0.1793"),
        ({"best_eval": 8, "evals": 8, "val_loss_best": 0.3217, "val_loss_final": 0.3217},
         "best in evaluation 8 of 8 (loss 0.3217)"),
        ({"best_accuracy_eval": 3, "evals": 8, "val_accuracy_best": 0.925, "val_accuracy_final": 0.92},
         "best accuracy in evaluation 3 of 8 (92.5 %), last 92 %"),
    ],
)  # fmt: skip
def test_a_healthy_run_tells_its_best_and_its_last_evaluation(facts: dict[str, Any], told: str) -> None:
    """With the digits that scripts print; where the best is the last, once."""
    document = Diagnosis.model_validate({"state": "healthy", "summary": "fine", "run": facts})
    assert f"validation   {told}" in full_report.render(document, "en")


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"task_metrics": [{"name": "f1", "first": 0.17, "last": 0.93127}, {"name": "", "first": 0.1, "last": 0.9}]},
         "  metrics      f1 0.17 -> 0.9313, training accuracy 0.1 -> 0.9\n"),
        ({"task_metrics": [{"name": "accuracy", "first": 0.1, "last": 0.92}], "best_accuracy_eval": 3, "evals": 8,
          "val_accuracy_best": 0.925, "val_accuracy_final": 0.92}, ""),
    ],
)  # fmt: skip
def test_a_healthy_run_tells_the_metrics_of_the_task(facts: dict[str, Any], told: str) -> None:
    """From first to last, under the names of the script; an accuracy that is told already, once."""
    page = full_report.render(Diagnosis.model_validate({"state": "healthy", "summary": "fine", "run": facts}), "en")
    assert told in page
    assert ("  metrics " in page) is bool(told)
