"""Ranking: which finding is the root, what follows from it."""

from rulekit import cause, found, rule

from trainadvisor.judge.cause_graph import CONFIGURED, FAMILY_LAYERS, STATE
from trainadvisor.judge.causes import Node, codes_of, rank
from trainadvisor.judge.rule_verdict import CLEAR, UNKNOWN, Verdict

LR = cause("lr-too-high", explains={"divergence": 0.6, "nan-loss": 0.4, "exploding-gradients": 0.5})
DIVERGENCE = rule("divergence", explains={"nan-loss": 0.5})
NAN = rule("nan-loss", "numerics", evidence="direct")
EXPLODING = rule("exploding-gradients", "gradients", explains={"divergence": 0.5})


def shape(nodes: list[Node]) -> list[object]:
    """Return codes with followers nested as lists."""
    return [[node.code, *shape(node.followers)] if node.followers else node.code for node in nodes]


def test_consequences_are_nested_under_their_cause() -> None:
    """The cause comes first although a symptom has the more direct evidence."""
    roots = rank([found(NAN, onset=100), found(DIVERGENCE, onset=50), found(LR, onset=0)])
    assert [root.code for root in roots] == ["lr-too-high"]
    assert set(codes_of(roots[0])) == {"lr-too-high", "divergence", "nan-loss"}


def test_a_chain_is_nested_to_any_depth() -> None:
    """Without a direct edge the path of findings is kept."""
    a = cause("a", explains={"b": 0.9})
    b, c = rule("b", "gradients", explains={"c": 0.9}), rule("c", explains={"d": 0.9})
    assert shape(rank([found(rule("d")), found(c), found(b), found(a)])) == [["a", ["b", ["c", "d"]]]]


def test_a_cause_cannot_begin_after_its_consequence() -> None:
    """Time order: divergence at step 50 does not follow from something that began at step 500."""
    roots = rank([found(LR, onset=500), found(DIVERGENCE, onset=50)], steps=1000)
    assert sorted(root.code for root in roots) == ["divergence", "lr-too-high"]


def test_small_differences_in_time_are_tolerated() -> None:
    """Two sampling intervals are no order."""
    assert shape(rank([found(LR, onset=60), found(DIVERGENCE, onset=50)], steps=1000)) == [
        ["lr-too-high", "divergence"]
    ]


def test_wiring_explains_an_apparent_learning_rate() -> None:
    """A missing zero_grad looks like a rate that is too high, which is nested with all that follows."""
    wiring = cause("missing-zero-grad", "wiring", evidence="direct", explains={"lr-too-high": 0.6, "divergence": 0.5})
    roots = rank([found(LR), found(DIVERGENCE), found(wiring), found(NAN)])
    assert [root.code for root in roots] == ["missing-zero-grad"]
    assert set(codes_of(roots[0])) == {"missing-zero-grad", "lr-too-high", "divergence", "nan-loss"}


def test_direct_evidence_of_a_cause_is_not_explained_away_by_statistics() -> None:
    """A wiring fault that was seen stays a finding of its own, and comes first."""
    direct = cause("eval-mode", "wiring", evidence="direct")
    roots = rank(
        [found(cause("odd", explains={"eval-mode": 0.9, "divergence": 0.6})), found(direct), found(DIVERGENCE)]
    )
    assert [root.code for root in roots] == ["eval-mode", "odd"]


def test_the_root_of_the_error_comes_before_other_warnings() -> None:
    """A warning with the better evidence does not stand before the cause of an error."""
    slow = cause("data-loader-bound", "throughput", evidence="direct", severity="warning")
    assert [root.code for root in rank([found(slow), found(LR), found(DIVERGENCE)])] == [
        "lr-too-high",
        "data-loader-bound",
    ]


def test_the_cause_of_an_error_is_one() -> None:
    """A gate that fails on errors holds up what is broken, whatever the rule of the cause says alone."""
    wrong = cause("label-problem", severity="warning", evidence="direct", explains={"divergence": 0.9})
    other = cause("data-loader-bound", "throughput", severity="warning", evidence="direct")
    first, second = rank([found(other), found(wrong), found(DIVERGENCE)])
    assert (first.code, first.severity, first.verdict.severity) == ("label-problem", "error", "warning")
    assert (second.code, second.severity) == ("data-loader-bound", "warning")


def test_notes_come_last_and_explain_no_errors() -> None:
    """A note is neither first nor the cause of anything that alarms."""
    note = cause("clipping", severity="note", evidence="direct", explains={"divergence": 0.9})
    assert shape(rank([found(note), found(DIVERGENCE)])) == ["divergence", "clipping"]


def test_of_two_causes_the_better_explanation_leads() -> None:
    """Both explain one symptom; one explains two more. The other is named as a further explanation."""
    other = cause("batch-too-small", explains={"divergence": 0.5})
    roots = rank([found(LR), found(other), found(DIVERGENCE), found(EXPLODING), found(NAN)])
    assert roots[0].code == "lr-too-high"
    divergence = next(node for node in roots[0].followers if node.code == "divergence")
    assert divergence.also_explained_by == ["batch-too-small"]


def test_absent_consequences_count_against_a_cause() -> None:
    """Of two equal causes the one whose usual consequence was looked for and is clear comes second."""
    a, b = cause("a", explains={"seen": 0.5, "clear": 0.9}), cause("b", explains={"seen": 0.5})
    roots = rank([found(a), found(b), found(rule("seen")), Verdict(rule("clear"), CLEAR)])
    assert roots[0].code == "b"


def test_what_begins_after_the_first_nan_is_a_consequence() -> None:
    """Once a value is not finite, everything later follows from its cause; what began before stands."""
    roots = rank([found(LR, onset=0), found(NAN, onset=100), found(rule("dead-relu", "activations"), onset=101),
                  found(rule("plateau"), onset=10)], nonfinite_step=100, steps=200)  # fmt: skip
    assert [root.code for root in roots] == ["lr-too-high", "plateau"]
    assert codes_of(roots[0]) == ["lr-too-high", "nan-loss", "dead-relu"]


def test_two_edges_join_through_what_was_not_judged() -> None:
    """Saturation explains slow learning through vanishing gradients that were not recorded, not through clear ones."""
    saturated = cause("saturated", explains={"vanishing": 0.9})
    vanishing, slow = rule("vanishing", "gradients", explains={"slow": 0.9}), rule("slow")
    assert shape(rank([found(saturated), found(slow), Verdict(vanishing, UNKNOWN)])) == [["saturated", "slow"]]
    assert len(rank([found(saturated), found(slow), Verdict(vanishing, CLEAR)])) == 2


def test_findings_that_explain_each_other_end() -> None:
    """A circle has one root: the one in the earlier layer."""
    a = rule("nan-a", "numerics", explains={"nan-b": 0.9})
    b = rule("nan-b", "gradients", explains={"nan-a": 0.9})
    assert len(rank([found(a), found(b)])) == 1


def test_a_long_circle_ends() -> None:
    """Three findings in a ring are ranked."""
    ring = [rule(f"r{i}", explains={f"r{(i + 1) % 3}": 0.9}) for i in range(3)]
    assert len(rank([found(r) for r in ring])) == 1


def test_confidence_in_words() -> None:
    """Direct is certain, statistics likely, a hint possible, as is a cause that had none of its consequences."""
    direct, hint = cause("direct", "wiring", evidence="direct"), cause("hint", evidence="static")
    lonely = cause("lonely", explains={"gone": 0.9})
    roots = rank(
        [
            found(direct),
            found(hint),
            found(LR),
            found(lonely),
            Verdict(rule("gone"), CLEAR),
            found(rule("open"), unsure=True),
        ]
    )
    words = {root.code: root.confidence for root in roots}
    assert words == {
        "direct": "certain",
        "hint": "possible",
        "lr-too-high": "likely",
        "lonely": "possible",
        "open": "possible",
    }


def test_nothing_found() -> None:
    """No finding, no root."""
    assert rank([Verdict(LR, CLEAR)]) == []


def test_what_comes_first_in_a_training_stands_first() -> None:
    """Wiring before data before configuration before state before behavior; speed stands beside them."""
    order = ["wiring", "data", "optimization", "numerics", "convergence", "generalization", "throughput"]
    assert [FAMILY_LAYERS[family] for family in order] == list(range(7))
    assert {FAMILY_LAYERS[family] for family in ("numerics", "activations", "gradients")} == {3}


def test_the_layers_of_the_families() -> None:
    """Wiring before data before configuration before state before behavior; speed last."""
    order = sorted(FAMILY_LAYERS, key=lambda name: (FAMILY_LAYERS[name], name))
    assert order == [
        "crash", "wiring", "data", "optimization", "activations", "gradients", "numerics",
        "convergence", "generalization", "throughput",
    ]  # fmt: skip
    assert FAMILY_LAYERS["optimization"] == CONFIGURED
    assert FAMILY_LAYERS["gradients"] == STATE
