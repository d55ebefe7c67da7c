"""Taking rules apart: what no case of a rule holds is named with its place."""

from pathlib import Path
from typing import Any

import pytest
from rulekit import RULE_FILE, rule, write_rule

from trainadvisor.judge import mutations, rule_loading
from trainadvisor.judge.branches import Branch
from trainadvisor.judge.engine import judge_rule
from trainadvisor.judge.mutations import check_mutations, unnoticed


def case(state: str, branch: str | None = None, **signals: Any) -> dict[str, Any]:
    """Return a case."""
    return {"is": state, "signals": signals} | ({"branch": branch} if branch else {})


FOUND, CLEAR = case("found", x=2), case("clear", x=0.9)


def test_a_rule_whose_cases_hold_everything_has_nothing_open() -> None:
    """One line, one limit, a case on either side of it."""
    assert list(unnoticed(rule(cases=(FOUND, CLEAR)))) == []


def test_a_line_that_no_case_holds() -> None:
    """A line of when, or of unless, that can go."""
    idle = rule(when=("x > 1", "y"), unless=("z",), cases=(case("found", x=2, y=True, z=False), CLEAR))
    assert list(unnoticed(idle)) == [
        "when[2] can be removed and no case notices",
        "unless[1] can be removed and no case notices",
    ]
    held = (case("clear", x=2, y=False), case("clear", x=2, y=True, z=True))
    assert list(unnoticed(rule(when=("x > 1", "y"), unless=("z",), cases=(*idle.cases, *held)))) == []


def test_a_clause_that_no_case_holds() -> None:
    """Each clause of a chain counts, also of a chain within another."""
    chain = rule(when=("x > 1 or (y and z)",), cases=(FOUND, case("clear", x=0.9, y=False, z=True)))
    assert list(unnoticed(chain)) == [
        "when[1]: the clause y and z can be removed and no case notices",
        "when[1]: the clause z can be removed and no case notices",
    ]
    held = (case("found", x=0.9, y=True, z=True), case("clear", x=0.9, y=True, z=False))
    assert list(unnoticed(rule(when=chain.when, cases=(*chain.cases, *held)))) == []


@pytest.mark.parametrize(("clear", "noticed"), [(1e-5, False), (0.2, True)])
def test_a_number_has_to_be_held_within_a_factor_of_ten(clear: float, *, noticed: bool) -> None:
    """A found case far above and a clear one far below say nothing about the number between."""
    written = rule(cases=(case("found", x=1e5), case("clear", x=clear)))
    named = rule(when=("x > limit",), thresholds={"limit": 1.0}, cases=written.cases)
    moves = "can move tenfold both ways and no case notices"
    assert list(unnoticed(written)) == ([] if noticed else [f"when[1]: the number 1 {moves}"])
    assert list(unnoticed(named)) == ([] if noticed else [f"thresholds.limit (1) {moves}"])


def test_a_limit_that_only_fills_texts_is_left_alone() -> None:
    """It decides nothing, unlike one behind a computed value."""
    limits: dict[str, Any] = {
        "thresholds": {"limit": 1.0, "told": 3.0},
        "values": {"scaled": "limit * 2", "x2": "told"},
    }
    assert list(
        unnoticed(rule(when=("x > scaled / 2",), cases=(case("found", x=1e5), case("clear", x=1e-5)), **limits))
    ) == [
        "when[1]: the number 2 can move tenfold both ways and no case notices",
        "thresholds.limit (1) can move tenfold both ways and no case notices",
    ]


def test_branches_are_taken_apart_too() -> None:
    """A branch that can go, and one whose line another branch covers, are held by cases that name their branch."""
    branches = (Branch("low", ("y",)), Branch("high", ("z",)))
    cases = (
        case("found", x=2, y=True, z=True),
        case("clear", x=0.9, y=True),
        case("clear", x=2, y=False, z=False),
    )
    open_ = list(unnoticed(rule(branches=branches, cases=cases)))
    assert "branches[1] (low) can be removed and no case notices" in open_
    assert "branches[2] (high) can be removed and no case notices" in open_
    named = (case("found", "low", x=2, y=True, z=True), case("found", "high", x=2, y=False, z=True))
    assert list(unnoticed(rule(branches=branches, cases=(*cases, *named)))) == []


def test_a_file_is_named_with_what_to_do(tmp_path: Path) -> None:
    """The message of the check."""
    path = write_rule(tmp_path, RULE_FILE)
    assert (
        f"{path}: unless[1] can be removed and no case notices; add a case that tells the difference, or remove it"
        in (check_mutations([tmp_path]))
    )


def test_every_mutant_of_the_shipped_rules_can_be_judged() -> None:
    """Whatever is taken away, what is left is a rule that no case makes fail."""
    shipped = [rule for rule in rule_loading.load().rules.values() if rule.branches]
    judged = [
        judge_rule(mutant, told["signals"]).failure
        for rule in shipped for m in mutations.mutations(rule) for mutant in m.mutants for told in rule.cases
    ]  # fmt: skip
    assert len(judged) > 1000
    assert set(judged) == {""}


def test_the_cases_of_the_shipped_rules_hold_everything() -> None:
    """Each clause and each limit is held by a case."""
    assert check_mutations() == []
