"""The demos: each broken training is named, fixed and better afterwards."""

import pytest

import trainadvisor
from trainadvisor.demos import walkthrough
from trainadvisor.demos.scenarios import DEFAULT, SCENARIOS
from trainadvisor.errors import LogError, UsageError
from trainadvisor.judge.rule_loading import load

CODES = [
    "nan-loss",
    "nan-inputs",
    "divergence",
    "no-learning",
    "slow-convergence",
    "plateau",
    "bad-initial-loss",
    "lr-too-high",
    "lr-too-low",
    "vanishing-gradients",
    "exploding-gradients",
    "dead-relu",
    "saturated-activations",
    "poor-initialization",
    "symmetric-initialization",
    "overfitting",
    "underfitting",
    "undertrained",
    "missing-zero-grad",
    "missing-optimizer-step",
    "frozen-parameters",
    "softmax-before-cross-entropy",
    "loss-shape-broadcast",
    "unnormalized-inputs",
    "data-loader-bound",
    "batch-too-small",
]
ALARMS = ("error", "warning")


@pytest.mark.parametrize("code", CODES)
def test_a_demo_shows_its_code_and_the_cure(code, tmp_path):
    """The diagnosis names the code, and after the remedy it is gone and the training no longer broken."""
    assert walkthrough.run_demo(code, "en", tmp_path) == 0
    after = trainadvisor.diagnose(tmp_path / "fixed.json")
    assert after.state in ("healthy", "needs-attention")
    assert code not in [finding.code for finding in after.findings if finding.severity in ALARMS]


def test_the_default_demo_shows_both_results(tmp_path, capsys):
    """It prints the diagnosis, the change and both results, and leaves both scripts and logs."""
    assert walkthrough.run_demo(None, "en", tmp_path) == 0
    text = capsys.readouterr().out
    assert f"error[{DEFAULT}]" in text
    assert "   verdict           BROKEN              HEALTHY\n" in text
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken.json", "broken.py", "fixed.json", "fixed.py"]


def test_a_demo_speaks_chinese(tmp_path, capsys):
    """With zh the whole demo is in Chinese."""
    walkthrough.run_demo("missing-zero-grad", "zh", tmp_path)
    text = capsys.readouterr().out
    assert "5. 结果对比" in text
    assert "   结论              错误                正常\n" in text


def test_the_list_has_every_demo():
    """Every code of the issue has a demo, and a sentence in both languages."""
    assert sorted(code for code, _ in walkthrough.list_demos("en")) == sorted(CODES)
    assert [what for _, what in walkthrough.list_demos("zh") if what.isascii()] == []


def test_demos_are_of_codes_that_exist():
    """Each demo shows the finding of a rule."""
    assert set(SCENARIOS) <= set(load().rules)


def test_an_unknown_demo_suggests_the_nearest(tmp_path):
    """The message names the code that was probably meant."""
    with pytest.raises(UsageError, match='did you mean "dead-relu"'):
        walkthrough.run_demo("dead-rely", "en", tmp_path)


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    """A file where the folder should be is one line, not a traceback."""
    (tmp_path / "taken").write_text("")
    with pytest.raises(LogError, match="taken: cannot be written"):
        walkthrough.run_demo("nan-inputs", "en", tmp_path / "taken")


@pytest.mark.parametrize("code", SCENARIOS)
def test_broken_and_fixed_scripts_differ_little(code):
    """A remedy changes a few lines, not the training."""
    sides = SCENARIOS[code]
    broken, fixed = (set(side.source(code, "log").splitlines()) for side in (sides.broken, sides.fixed))
    assert 1 <= len(broken ^ fixed) <= 8
