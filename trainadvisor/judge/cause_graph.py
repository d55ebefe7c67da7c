"""What follows from what: the found rules as a graph whose edges are the [explains] tables of the rules."""

from collections.abc import Iterable

from trainadvisor.judge.rule_verdict import CLEAR, FOUND, Verdict
from trainadvisor.vocabulary import Evidence

# wiring before data before configuration before state before behaviour; speed touches none of them
FAMILY_LAYERS = {
    "crash": 0,
    "wiring": 0,
    "data": 1,
    "optimization": 2,
    "numerics": 3,
    "activations": 3,
    "gradients": 3,
    "convergence": 4,
    "generalization": 5,
    "throughput": 6,
}
CONFIGURED, STATE = 2, 3

SYMPTOM_FOLLOWS = 0.3
CAUSE_FOLLOWS = 0.5
HOP_DECAY = 0.7


def layer_of(verdict: Verdict) -> int:
    """Return how early in the chain of causes a rule stands."""
    layer = FAMILY_LAYERS.get(verdict.rule.family, STATE)
    return CONFIGURED if layer == STATE and verdict.rule.kind == "cause" else layer


class Graph:
    """The found rules, and with which probability one follows from another."""

    def __init__(self, verdicts: Iterable[Verdict], tolerance: int) -> None:
        self.verdicts = {verdict.code: verdict for verdict in verdicts}
        self.found = {code: verdict for code, verdict in self.verdicts.items() if verdict.state == FOUND}
        self.tolerance = tolerance

    def in_time(self, cause: str, effect: str) -> bool:
        """Return whether the cause began before its effect, as far as both beginnings are known."""
        began, followed = self.verdicts[cause].onset, self.verdicts[effect].onset
        return began is None or followed is None or began <= followed + self.tolerance

    def edge(self, cause: str, effect: str) -> float:
        """Return the weight of the edge between two rules, 0 where there is none."""
        verdict = self.verdicts.get(cause)
        return float(verdict.rule.explains.get(effect, 0.0)) if verdict else 0.0

    def follows(self, effect: str, cause: str) -> float:
        """Return the probability that a finding follows from another: noisy-or over one and two edges."""
        if cause == effect or not self.in_time(cause, effect):
            return 0.0
        unlikely = 1 - self.edge(cause, effect)
        for middle in self.verdicts[cause].rule.explains:
            if middle != effect and middle in self.verdicts and self.verdicts[middle].state != CLEAR:
                unlikely *= 1 - self.edge(cause, middle) * self.edge(middle, effect) * HOP_DECAY
        return 1 - unlikely

    def accepts(self, effect: str, cause: str) -> bool:
        """Return whether a finding may be reported as a consequence of another."""
        above, below = self.verdicts[cause], self.verdicts[effect]
        if above.severity == "note" and below.severity != "note":
            return False
        probability = self.follows(effect, cause)
        if below.rule.kind == "symptom":
            return probability >= SYMPTOM_FOLLOWS
        return probability >= CAUSE_FOLLOWS and Evidence(above.rule.evidence) >= below.rule.evidence
