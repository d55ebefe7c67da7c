"""Checking rule files: each thing that can be wrong is named with its place."""

from pathlib import Path

import pytest
from rulekit import RULE_FILE, write_rule

from trainadvisor.errors import RuleError
from trainadvisor.judge.rule_checks import check_rules
from trainadvisor.judge.rule_loading import load


def problems(tmp_path: Path, **changes: str) -> list[str]:
    """Check a rule with one replacement, given as old and new."""
    return check_rules([write_rule(tmp_path, changes={changes["old"]: changes["new"]}).parent.parent])


def test_a_sound_rule_has_no_problems(tmp_path: Path) -> None:
    """The rule that the other tests spoil is sound."""
    write_rule(tmp_path)
    assert check_rules([tmp_path]) == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('kind = "cause"', 'kind = "casue"', "kind: input should be 'cause', 'symptom' or 'expected'"),
        ('kind = "cause"\n', "", "kind: is missing"),
        ("falsepositives", "falsepositive", 'falsepositive: unknown key; did you mean "falsepositives"?'),
        ('applies = "adapt"', 'appplies = "adapt"', 'remedies.1.appplies: unknown key; did you mean "applies"?'),
        (
            "loss_drop < least",
            "loss_dorp < least",
            'when[1], column 1: unknown name loss_dorp; did you mean "loss_drop"?',
        ),
        ("steps >= 20", "steps", "when[2]: is a number; write a comparison"),
        ("steps >= 20", "steps >=", "when[2]: not an expression"),
        ("nice(lr_first / 10)", "nice(lr_fist / 10)", "values.lower, column 6: unknown name lr_fist"),
        ('because = "measured on the corpus"', 'because = " "', "thresholds.least_drop.because: string should match"),
        (', because = "measured on the corpus"', "", "thresholds.least_drop.because: is missing"),
        ("least_drop = {", "other = { value = 1, because = 'x' }\nleast_drop = {", "thresholds.other: is never used"),
        (
            "least_drop = {",
            "steps = { value = 1, because = 'x' }\nleast_drop = {",
            "thresholds.steps: is also the name of a signal",
        ),
        ('title = "损失不下降"\n', "", "zh.title: is missing"),
        ('title = "损失不下降"', 'title = "The loss does not fall"', "title.zh: is not Chinese; translate it"),
        ('zh = "降到 {lower:.2g}。"\n', "", "remedies.1.zh: is missing"),
        ('zh = "降到 {lower:.2g}。"', 'zh = "降低。"', "remedies[1]: {lower} stands in one language only"),
        ('search = ["损失不下降"]\n', "", "zh.search: is missing"),
        ('verify = "下降 {least_drop:.0%}"\n', "", "zh.verify: is missing"),
        ('"共 {steps} 步"', '"共 {stps} 步"', 'evidence[2].zh: unknown placeholder {stps}; did you mean "steps"?'),
        ("{loss_drop:.1%} only", "{loss_drop:q} only", "finding.en: {loss_drop:q} does not fit"),
        ("{loss_drop:.1%} only", "{loss_drop.real} only", "finding.en: {loss_drop.real} is not a placeholder"),
        ('"损失下降了 {loss_drop:.1%}", ', "", "zh.evidence: has 1 texts for 2 lines of when"),
        ('change = "lr"', 'change = "lrs"', 'remedies.change: no change is called lrs; did you mean "lr"?'),
        ('site = "optimizer"\n', "", "remedies.edit: needs site"),
        ("[explains]", "[explains]\nodd-los = 0.5", 'explains: no rule is called odd-los; did you mean "odd-loss"?'),
        ("[explains]", "[explains]\nodd-loss = 1.5", "explains.odd-loss: input should be less than or equal to 1"),
        (
            "[explains]",
            '[context]\noff = ["adverserial"]\n[explains]',
            'no context is called adverserial; did you mean "adversarial"?',
        ),
        ('site = "optimizer"', 'site = "optimizer"\nonset = "nix"', "onset: no signal is called nix"),
        ("loss_drop = 0.5, steps", "loss_drop = 0.01, steps", 'cases[2]: should be "clear" and is "found"'),
        ("steps = 100, loss_non", "loss_non", 'cases[1]: should be "found" and is "unknown" (absent: steps)'),
        ("loss_drop = 0.5, steps", 'loss_drop = "x", steps', "cases[2].signals.loss_drop: 'x' is not a number"),
        ("loss_drop = 0.5, steps", "loss_drpo = 0.5, steps", "cases[2].signals: no signal is called loss_drpo"),
        ('is = "clear"', 'is = "claer"', "cases.2.is: input should be"),
        (
            'arguments = { value = "lower" }',
            'arguments = { value = "lowr / 2" }',
            "remedies.arguments, column 1: unknown name lowr",
        ),
    ],
)
def test_each_mistake_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    """One mistake, one problem that says where and what, in one line."""
    found = problems(tmp_path, old=old, new=new)
    assert any(message in problem for problem in found), found
    assert all(problem.startswith(str(tmp_path)) and "\n" not in problem for problem in found)


@pytest.mark.parametrize("kind", ["found", "clear"])
def test_each_kind_of_case_is_demanded(tmp_path: Path, kind: str) -> None:
    """A rule without a case of each kind is not checked at all."""
    head, first, second = RULE_FILE.split("[[cases]]")
    kept = second if kind == "found" else first
    write_rule(tmp_path, f"{head}[[cases]]{kept}")
    assert check_rules([tmp_path]) == [
        f'{tmp_path}/convergence/odd-loss.toml: cases: there is none with is = "{kind}"; add one'
    ]


def test_broken_toml(tmp_path: Path) -> None:
    """A file that is no TOML is named with the line."""
    write_rule(tmp_path, "kind = ")
    assert "cannot be read as TOML" in check_rules([tmp_path])[0]


def test_missing_folder(tmp_path: Path) -> None:
    """A wrong path is said, by the check as by loading."""
    assert check_rules([tmp_path / "none"]) == [f"{tmp_path / 'none'}: no such folder of rules; check the path"]
    with pytest.raises(RuleError, match="no such folder"):
        load([tmp_path / "none"])


def test_the_same_code_twice(tmp_path: Path) -> None:
    """A code is a name; two files cannot share it."""
    path = write_rule(tmp_path)
    other = tmp_path / "gradients" / path.name
    other.parent.mkdir()
    other.write_text(RULE_FILE)
    assert [p for p in check_rules([tmp_path]) if "is also" in p] == [f"{other}: the code odd-loss is also {path}"]


def test_loading_a_broken_folder_says_the_first_problem(tmp_path: Path) -> None:
    """A user's folder is checked before anything is judged."""
    write_rule(tmp_path, changes={"steps >= 20": "stps >= 20"})
    with pytest.raises(RuleError, match="unknown name stps; did you mean"):
        load([tmp_path])


def test_a_users_rule_replaces_ours(tmp_path: Path) -> None:
    """A later folder wins."""
    write_rule(tmp_path, code="nan-loss")
    assert load([tmp_path]).get("nan-loss").title() == "The loss does not fall"


def test_unknown_code() -> None:
    """The nearest code is suggested."""
    with pytest.raises(RuleError, match='no rule is called nan-los; did you mean "nan-loss"'):
        load().get("nan-los")


def test_our_own_rules_are_sound() -> None:
    """Every rule that ships passes its check."""
    assert check_rules() == []
