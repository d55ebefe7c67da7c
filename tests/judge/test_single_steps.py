"""Small steps on the way to a judgement, each against what can be worked out by hand."""

from __future__ import annotations

import json
import math
import pickle
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from rulekit import HOLDING_CASES, RULE_FILE, rule, write_rule

from trainadvisor.errors import RuleError
from trainadvisor.gate.decision import Measured
from trainadvisor.judge import compiled_rules, crash_rules, rule_index, rule_loading, success, summary
from trainadvisor.judge.conditions import Place, parse
from trainadvisor.judge.judgement import Remark
from trainadvisor.judge.placeholders import fill_known, shown
from trainadvisor.judge.result import Edit
from trainadvisor.judge.rule_verdict import CLEAR, Verdict
from trainadvisor.requirements import parse as parse_requirement
from trainadvisor.vocabulary import Severity, State

if TYPE_CHECKING:
    from pathlib import Path

HERE = Place("rule.toml", "when[1]")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a >", "not an expression (invalid syntax)"), ("x.y > 1", "an attribute is not part"),
        ("x[1] > 1", "a subscript is not part"), ("(1 if x else 2) > 1", '"if" is not part'),
        ("x == None", "this constant is not part"), ("{x}", "set is not part"), ("f(x) > 1", "calling f is not part"),
        ("f()(x) > 1", "this call is not part"), ("log(x) > 1", "calling log is not part"),
        ("x is y", '"is" is not part'),
        ("x in y", '"in" needs a list of constants'), ("x in (y, 1)", '"in" needs a list of constants'),
        ("x > 1e400", "this constant is not part"), ("x" * 5000, "longer than"),
        ("-" * 100 + "x", "nested deeper than"),
    ],
)  # fmt: skip
def test_what_is_no_expression_says_why(text: str, said: str) -> None:
    """With the file and the key that it stands at."""
    with pytest.raises(RuleError) as refused:
        parse(text, HERE)
    assert str(refused.value).startswith("rule.toml: when[1]")
    assert said in str(refused.value)


def test_functions_are_for_arguments_alone() -> None:
    """With as many arguments as they take."""
    assert parse("nice(x / 10)", HERE, functions=True).evaluate({"x": 0.35}.get) == pytest.approx(0.035)
    for text, said in (("nice(x, 1)", "nice takes 1 arguments, not 2"), ("min(x)", "min takes 2 arguments, not 1")):
        with pytest.raises(RuleError, match=said.replace("(", r"\(")):
            parse(text, HERE, functions=True)


def test_an_expression_travels() -> None:
    """To a process that makes its functions anew."""
    sent = parse("x > 1", HERE)
    assert sent.evaluate({"x": 2}.get) is True
    came = pickle.loads(pickle.dumps(sent))  # noqa: S301 - our own
    assert (came.text, came.place, came.evaluate({"x": 1}.get)) == ("x > 1", HERE, False)


def test_without_an_error_no_crash_rule_says_anything() -> None:
    """It is not judged, and the error is what is missing."""
    verdict = crash_rules.verdict(rule(crash=("out of memory",)), {})
    assert (verdict.state, verdict.missing) == ("unknown", (crash_rules.ERROR,))
    assert list(crash_rules.explaining({}, SimpleNamespace(rules={}, off=()))) == []  # type: ignore[arg-type]


def test_parts_of_a_message_have_names() -> None:
    """A module's name also stands for the package that has it."""
    assert crash_rules.names(rule(crash=("no (?P<kind>x)",))) == {"kind"}
    assert crash_rules.names(rule(crash=("no (?P<name>x)",))) == {"name", crash_rules.PACKAGE}
    assert list(crash_rules.problems(rule(crash=("fine", "(")))) == [
        "crash[2]: is not a regular expression (missing ), unterminated subpattern at position 0)"
    ]


@pytest.mark.parametrize(
    ("template", "known", "text"),
    [
        ("It fell by {a}.", {"a": 1}, "It fell by 1."),
        ("It fell by {a}; it rose by {b}.", {"a": 1}, "It fell by 1."),
        ("It fell by {a}; it rose by {b}.", {"b": 1}, "It rose by 1."),
        ("it fell by {a}; it rose by {b}", {"b": 1}, "it rose by 1"),
        ("It fell by {a} (of {b}).", {"a": 1}, "It fell by 1."),
        ("First {a}, then {b}, then {c}.", {"a": 1, "c": 3}, "First 1, then 3."),
        ("It fell by {a}.", {}, ""),
        ("下降 {a}；上升 {b}。", {"a": 1}, "下降 1。"),
    ],
)
def test_clauses_about_what_is_unknown_go(template: str, known: dict[str, int], text: str) -> None:
    """With what is in brackets; the end of the sentence stays."""
    assert fill_known(template, known.get) == text


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (["a" * 148, "b"], "a" * 148 + ", ..."), (["a" * 147, "b"], "a" * 147 + ", b"),
        (["a" * 150, "b"], "a" * 150 + ", ..."), (["a" * 200], "a" * 200), (["a" * 200, "b"], "a" * 200 + ", ..."),
        ([], ""),
    ],
)  # fmt: skip
def test_names_that_fit_a_sentence(names: list[str], text: str) -> None:
    """As many as fit 150 characters, the first one in any case."""
    assert shown(names) == text


@pytest.mark.parametrize(
    ("fields", "lines"),
    [
        ({"old": "a\nb", "new": "c"}, "- a\n- b\n+ c"), ({"old": "a", "new": ""}, "- a"), ({"new": "c"}, "+ c"),
        ({"new": ""}, "+"), ({"new": "c", "anchor": "d"}, "+ c\n  d"),
    ],
)  # fmt: skip
def test_lines_that_go_and_come(fields: dict[str, Any], lines: str) -> None:
    """Nothing comes in place of lines that are taken away; a line may be put before another."""
    assert Edit(file="a.py", line=1, **fields).diff() == lines


def test_the_list_of_the_rules_of_a_folder(tmp_path: Path) -> None:
    """By family, with what the benchmark measured; a list that is not what it would be is a problem."""
    write_rule(tmp_path, RULE_FILE + HOLDING_CASES)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "other.toml").write_text(RULE_FILE, encoding="utf-8")
    (tmp_path / "convergence" / "second.toml").write_text(RULE_FILE, encoding="utf-8")
    (tmp_path / "measured.json").write_text(json.dumps({"odd-loss": {"precision": [3, 4], "recall": [0, 0]}}), "utf-8")
    text = rule_index.index(tmp_path)
    assert [line for line in text.splitlines() if line.startswith("## ")] == ["## convergence", "## data"]
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("| `")]
    assert [row[0] for row in cells] == ["`odd-loss`", "`second`", "`other`"]
    assert cells[0][3:] == ["error", "statistical", "1 / 3", "1", "8 + 8", "3 of 4", "-", "-"]
    assert cells[1][5:] == ["1 / 1", "1", "8 + 8", "-", "-", "-"]
    page = tmp_path / "README.md"
    assert rule_index.index_problems(tmp_path) == []
    page.write_text(text, encoding="utf-8")
    assert rule_index.index_problems(tmp_path) == []
    page.write_text(text + "more", encoding="utf-8")
    [problem] = rule_index.index_problems(tmp_path)
    assert problem.startswith(f"{page}: does not match the rules: ")
    page.write_text("a page of the user's own", encoding="utf-8")
    assert rule_index.index_problems(tmp_path) == []


def item(code: str, severity: Severity, family: str = "data", *followers: Any) -> Any:
    """Return a finding with what follows from it."""
    made = SimpleNamespace(code=code, severity=severity, family=family)
    made.walk = lambda: iter([made, *(inner for follower in followers for inner in follower.walk())])
    return made


ERROR, WARNING, NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE
SERIOUS, MILD = Remark(min(summary.SERIOUS - summary.WHOLE), {"n": 1}), Remark("no-yardstick", {"n": 2})


@pytest.mark.parametrize(
    ("findings", "reasons", "state", "kind"),
    [
        ([], [], State.HEALTHY, "sound"), ([item("a", NOTE)], [], State.HEALTHY, "sound"),
        ([item("a", WARNING)], [], State.NEEDS_ATTENTION, "alone"), ([item("a", ERROR)], [], State.BROKEN, "alone"),
        ([item("a", NOTE, "data", item("b", ERROR))], [], State.BROKEN, "because"),
        ([item("a", NOTE), item("b", WARNING)], [MILD], State.NEEDS_ATTENTION, "alone"),
        ([], [MILD], State.CANNOT_TELL, "unsure"), ([], [MILD, SERIOUS], State.NEEDS_ATTENTION, "wrong"),
        ([], [Remark("short"), MILD], State.CANNOT_TELL, "short"),
    ],
)  # fmt: skip
def test_the_state_and_what_is_said_of_it(findings: list[Any], reasons: list[Remark], state: State, kind: str) -> None:
    """The worst finding of all that follow from others; else what contradicts, else what is not known."""
    assert (summary.state_of(findings, reasons), summary.summary(findings, reasons, {}, settled=False).kind) == (
        state, kind,
    )  # fmt: skip


def test_the_first_contradiction_is_told_with_its_figures() -> None:
    """Before doubts that came before it."""
    told = summary.summary([], [MILD, SERIOUS], {"x": 3}, settled=True)
    assert told == Remark("wrong", {"x": 3, "doubt": SERIOUS.kind, "about": {"n": 1}})
    assert summary.summary([], [], {}, settled=True) == Remark("converged")


def test_the_effect_that_people_see_is_told() -> None:
    """The worst, of equally bad ones the one of the family that is seen first."""
    effects = [item("x", WARNING, "convergence"), item("y", ERROR, "wiring"), item("z", ERROR, "generalization"),
               item("w", ERROR, "numerics"), item("v", ERROR, "throughput")]  # fmt: skip
    told = summary.summary([item("a", ERROR, "data", *effects)], [], {}, settled=False)
    assert told == Remark("because", {"effect": "w", "cause": "a"})


@pytest.mark.parametrize(
    ("known", "settled"),
    [
        ({"loss_flat_share": 0.2}, True), ({"loss_flat_share": 0.19}, False),
        ({"loss_flat_share": 0.2, "loss_trend_z": 2.9}, True), ({"loss_flat_share": 0.2, "loss_trend_z": 3.0}, False),
        ({"lr_peak": 1.0, "lr_final": 0.1}, True), ({"lr_peak": 1.0, "lr_final": 0.11}, False),
        ({"lr_peak": 1.0}, False),
        ({"lr_final": 0.0}, False), ({}, False),
    ],
)  # fmt: skip
def test_a_run_has_converged(known: dict[str, float], *, settled: bool) -> None:
    """By its loss or its schedule, if it is not short."""
    assert summary.converged({"judged_steps": summary.BRIEF}, known) is settled
    assert not summary.converged({"judged_steps": summary.BRIEF - 1}, known)
    assert not summary.converged({}, known)


@pytest.mark.parametrize(("count", "begin", "end"), [(10, 3, 5), (60, 3, 6), (200, 4, 20), (2, 2, 2)])
def test_both_ends_of_a_loss(count: int, begin: int, end: int) -> None:
    """A fiftieth and a tenth, three and five steps at least."""
    losses = np.arange(float(count))
    assert success._begin(losses).tolist() == losses[:begin].tolist()
    assert success._end(losses).tolist() == losses[count - end :].tolist()


@pytest.mark.parametrize(
    ("chance", "examples", "error"),
    [
        (0.5, 10_000, 0.05), (0.5, 400, 0.1), (0.0, 100, 0.1), (0.5, None, 2.0), (0.5, 0, 2.0),
        (0.75, 100, 0.1732050808),
    ],
)  # fmt: skip
def test_by_how_much_an_accuracy_exceeds_chance(chance: float, examples: int | None, error: float) -> None:
    """Four standard errors of what a guess gets, and a tenth of what is left."""
    assert success._error(chance, {"examples": examples}) == pytest.approx(error)


@pytest.mark.parametrize(
    ("losses", "chance"),
    [
        ([{"kind": "cross_entropy", "target": {"histogram": [6, 2]}}], 0.75), ([], None),
        ([{"kind": "cross_entropy", "target": {}}], None),
        ([{"kind": "mse_loss", "target": {"histogram": [6, 2]}}], None),
        ([{"kind": "cross_entropy", "target": {"histogram": [0, 0]}}], None),
        ([{"kind": "cross_entropy", "target": {"histogram": [1, 3, 4]}},
          {"kind": "nll_loss", "target": {"histogram": [3, 1]}}], 0.75),
    ],
)  # fmt: skip
def test_the_share_of_the_most_frequent_label(losses: list[dict[str, Any]], chance: float | None) -> None:
    """The largest of all losses of classes."""
    assert success._chance(SimpleNamespace(losses=losses)) == chance  # type: ignore[arg-type]


def rated(name: str, *values: Any) -> Any:
    """Return a log of evaluations with a metric."""
    return SimpleNamespace(evals=[{"metrics": {name: value}} for value in values], events=[])


@pytest.mark.parametrize(
    ("name", "values", "told"),
    [
        ("f1", (*[0.1] * 6, *[0.5] * 5, 0.6), 0.6), ("f1", (0.1, 0.1, 0.1, 0.2), None),
        ("f1", (0.1, 0.2, 0.3, 0.4, 0.5), 0.5),
        ("f1", (*[0.5] * 6, *[0.1] * 6), None), ("f1", (0.5,) * 12, None), ("f1", (0.1, 0.5, 0.1, 0.5, 0.1, 0.5, 0.5),
        None),
        ("accuracy", (*[0.1] * 6, *[0.5] * 5, 0.6), None), ("mae", (*[0.1] * 6, *[0.5] * 5, 0.6), None),
        ("f1", (*[0.1] * 6, None, *[0.5] * 5, 0.6), 0.6),
        ("eval/rewards/accuracies", (0.7,), 0.7), ("eval/rewards/accuracies", (0.69,), None),
        ("eval/rewards/accuracies", (0.6, 0.9), 0.9), ("eval/rewards/accuracies", (0.9, 0.6), None),
    ],
)  # fmt: skip
def test_metrics_that_rose(name: str, values: tuple[Any, ...], told: float | None) -> None:
    """By far more than their noise, where higher is better; pairs are judged by the share that is right."""
    said = [] if told is None else [Remark("metric", {"name": name, "value": told})]
    assert list(success._of_metrics(rated(name, *values))) == said


@pytest.mark.parametrize(
    ("changed", "final", "told"),
    [
        ({}, 0.5, True), ({"val_loss_final": 1.5, "loss_final": 0.0}, None, False), ({"loss_final": 0.5}, None, True),
        ({}, (math.log(4.0) + 1) / 2 - 0.11, True), ({}, (math.log(4.0) + 1) / 2 - 0.09, False),
        ({"loss_kind": "mse_loss"}, 0.5, False),
    ],
)  # fmt: skip
def test_a_likelihood_beats_the_constant(changed: dict[str, Any], final: float | None, *, told: bool) -> None:
    """That of the widest targets, by a tenth of a nat; held-out data go before the training's."""
    known: dict[str, Any] = {"loss_kind": "gaussian_nll_loss", "val_loss_final": final} | changed
    losses = [{"kind": "gaussian_nll_loss", "target": {"variance": v}} for v in (1.0, 4.0, 0.0, None)]
    found = list(success._of_density(SimpleNamespace(losses=losses), known))  # type: ignore[arg-type]
    assert [remark.kind for remark in found] == ["density"] * told
    if told:
        assert found[0].values["constant"] == pytest.approx((math.log(4.0) + 1) / 2)


def test_what_is_so_unless_it_is_said() -> None:
    """A verdict is sure, a required metric is not skipped."""
    assert Verdict(rule(), CLEAR).unsure is False
    assert Measured(parse_requirement("loss < 1"), None, None).skipped is False


def test_the_digest_of_rules_changes_with_names_and_contents(tmp_path: Path) -> None:
    """Each of them, and the border between two files."""
    paths = [tmp_path / name for name in ("a", "b")]
    for path in paths:
        path.write_text("x", encoding="utf-8")
    digests = {compiled_rules._digest(paths), compiled_rules._digest(paths[::-1]), compiled_rules._digest(paths[:1])}
    paths[0].write_text("xx", encoding="utf-8")
    assert len({*digests, compiled_rules._digest(paths)}) == 4
    with pytest.raises(RuleError, match="cannot be read"):
        compiled_rules._digest([tmp_path / "none"])


def test_only_the_first_problem_of_a_folder_is_told_whole(tmp_path: Path) -> None:
    """Of several with their number, of a single one without."""
    path = write_rule(tmp_path, RULE_FILE + HOLDING_CASES, changes={'severity = "error"': 'severity = "loud"'})
    with pytest.raises(RuleError) as refused:
        rule_loading._strictly(tmp_path)
    assert (str(path) in str(refused.value), "more;" in str(refused.value)) == (True, False)
    write_rule(tmp_path, RULE_FILE + HOLDING_CASES, "second", {'severity = "error"': 'severity = "loud"'})
    with pytest.raises(RuleError, match=r"\(and 1 more; trainadvisor rules check"):
        rule_loading._strictly(tmp_path)
    with pytest.raises(RuleError, match="no such folder of rules"):
        rule_loading._strictly(tmp_path / "none")
