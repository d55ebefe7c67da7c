"""The causal edges of the shipped rules: an injected cause comes first, its symptom nested; two causes both show."""

import itertools

import pytest
from rulekit import found

from trainadvisor.judge.causes import codes_of, rank
from trainadvisor.judge.rule_loading import load

STRONG = 0.5
BOOK = load()
RULES = [rule for rule in BOOK.rules.values() if rule.judges_runs]


def outranks(symptom: str, cause: str) -> bool:
    """Return whether the follower is direct evidence of a cause of its own: no statistical finding suppresses that."""
    follower = BOOK.rules[symptom]
    return follower.kind == "cause" and follower.evidence == "direct" != BOOK.rules[cause].evidence


EDGES = [
    (rule.code, symptom)
    for rule in RULES
    for symptom, weight in rule.explains.items()
    if weight >= STRONG and symptom in BOOK.rules and rule.kind == "cause" and not outranks(symptom, rule.code)
]
CAUSES = [rule.code for rule in RULES if rule.kind == "cause" and rule.severity != "note"]


def related(one: str, other: str) -> bool:
    """Return whether one of two rules explains the other, over at most two edges."""
    ways = [(one, other), (other, one)]
    return any(
        b in BOOK.rules[a].explains
        or any(b in BOOK.rules[c].explains for c in BOOK.rules[a].explains if c in BOOK.rules)
        for a, b in ways
    )


PAIRS = [pair for pair in itertools.combinations(CAUSES, 2) if not related(*pair)][::7][:40]


@pytest.mark.parametrize(("cause", "symptom"), EDGES)
def test_a_strong_cause_nests_its_symptom(cause: str, symptom: str) -> None:
    """The cause and the symptom found together: the cause is the only root."""
    roots = rank([found(BOOK.rules[symptom], onset=20), found(BOOK.rules[cause], onset=0)])
    assert [root.code for root in roots] == [cause]
    assert symptom in codes_of(roots[0])


@pytest.mark.parametrize(("cause", "symptom"), EDGES)
def test_a_symptom_alone_is_its_own_root(cause: str, symptom: str) -> None:
    """Without the cause nothing is invented: the symptom stands alone."""
    assert [root.code for root in rank([found(BOOK.rules[symptom])])] == [symptom]


@pytest.mark.parametrize("pair", PAIRS)
def test_two_faults_are_both_in_the_top_three(pair: tuple[str, str]) -> None:
    """Two unrelated causes with all their symptoms: neither hides the other."""
    symptoms = {code for cause in pair for code, weight in BOOK.rules[cause].explains.items() if weight >= STRONG}
    symptoms = {code for code in symptoms if code in BOOK.rules and code not in pair}
    verdicts = [found(BOOK.rules[code], onset=20) for code in sorted(symptoms)]
    roots = rank([*verdicts, *(found(BOOK.rules[cause], onset=0) for cause in pair)])
    assert set(pair) <= {root.code for root in roots[:3]}


def test_there_are_at_least_thirty_pairs() -> None:
    """The pairs are what the test above claims to cover."""
    assert len(PAIRS) >= 30
