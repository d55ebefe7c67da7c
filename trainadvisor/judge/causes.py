"""Orders findings: what is a root cause, what follows from it, and how sure that is.

A cause counts by its own evidence, by how much of what was found it explains (noisy-or over at most two edges),
by time order and by how early in the chain it stands; then greedy explaining away.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from trainadvisor.judge.cause_graph import CAUSE_FOLLOWS, HOP_DECAY, Graph, layer_of
from trainadvisor.judge.rule_verdict import CLEAR, Verdict
from trainadvisor.vocabulary import Confidence, Evidence, Severity

EVIDENCE = {"direct": 6.0, "exact": 4.0, "statistical": 2.0, "static": 0.5}
LAYER_BONUS = (2.0, 1.5, 1.0, 0.0, -1.0, -1.0, -1.0)
BASE_RATE = 0.05
DETECTOR_POWER = 0.5
MOST_EXPLAINED_BONUS = 4.0
EARLY_BONUS, LATE_PENALTY = 1.0, -3.0
# The family of the errors that end scripts.
ENDED = "crash"


@dataclass
class Node:
    """A found rule with what follows from it."""

    verdict: Verdict
    score: float = 0.0
    confidence: Confidence = Confidence.POSSIBLE
    followers: list["Node"] = field(default_factory=list)
    also_explained_by: list[str] = field(default_factory=list)

    @property
    def code(self) -> str:
        """Return the code of the rule."""
        return self.verdict.code

    @property
    def severity(self) -> Severity:
        """Return the highest severity among itself and its followers: the cause of an error is one."""
        return max([Severity(self.verdict.severity), *(follower.severity for follower in self.followers)])


def score(graph: Graph, code: str, open_codes: Iterable[str]) -> float:
    """Return how strongly a finding stands as a root cause among those not yet explained."""
    verdict = graph.verdicts[code]
    explained = sorted((math.log(p / BASE_RATE) for p in _explained(graph, code, open_codes)), reverse=True)
    gained = sum(gain / 2**rank for rank, gain in enumerate(explained))
    total: float = EVIDENCE[verdict.rule.evidence] + LAYER_BONUS[layer_of(verdict)] + min(gained, MOST_EXPLAINED_BONUS)
    return total + _absence(graph, verdict) + _time(graph, verdict, open_codes)


def _explained(graph: Graph, code: str, open_codes: Iterable[str]) -> list[float]:
    return [
        p for other in open_codes if other != code and graph.accepts(other, code) and (p := graph.follows(other, code))
    ]


def _absence(graph: Graph, verdict: Verdict) -> float:
    """Return the penalty for consequences that were looked for and are not there."""
    looked_for = [weight for code, weight in verdict.rule.explains.items() if _is_clear(graph, code)]
    return max(sum(math.log(1 - min(weight, 0.99) * DETECTOR_POWER) for weight in looked_for), -2.0)


def _is_clear(graph: Graph, code: str) -> bool:
    return code in graph.verdicts and graph.verdicts[code].state == CLEAR


def _time(graph: Graph, verdict: Verdict, open_codes: Iterable[str]) -> float:
    followers = [
        code for code in open_codes if graph.edge(verdict.code, code) and graph.verdicts[code].onset is not None
    ]
    if verdict.onset is None or not followers:
        return 0.0
    return EARLY_BONUS if all(graph.in_time(verdict.code, code) for code in followers) else LATE_PENALTY


def rank(verdicts: Iterable[Verdict], *, steps: int = 0, nonfinite_step: int | None = None) -> list[Node]:
    """Return the roots in order, each with its followers nested."""
    graph = Graph(verdicts, tolerance=max(20, steps // 50))
    open_codes = dict.fromkeys(sorted(graph.found))
    roots = []
    while open_codes:
        best = _best(graph, open_codes)
        node = Node(graph.verdicts[best], score(graph, best, open_codes))
        members = _closure(graph, best, open_codes)
        _nest(graph, node, members)
        roots.append(node)
        for code in [best, *members]:
            open_codes.pop(code)
    roots = _after_nonfinite(roots, nonfinite_step)
    for node in (node for root in roots for node in walk(root)):
        node.confidence = _confidence(node.verdict, graph)
    _name_other_causes(graph, roots)
    return sorted(roots, key=_order)


def _order(node: Node) -> tuple[bool, int, int, float, str]:
    return (
        node.verdict.rule.family != ENDED,  # what ended the run is asked for first
        -Severity(node.verdict.severity).rank if node.verdict.severity == "note" else -node.severity.rank,
        _unsupported(node),
        -node.score,
        node.code,
    )


def _unsupported(node: Node) -> int:
    """Return whether a root has nothing but a static hint for itself."""
    return int(node.verdict.rule.evidence == "static")


def _best(graph: Graph, open_codes: Mapping[str, None]) -> str:
    """Return the finding that explains most, never one that an open finding explains."""
    free = [code for code in open_codes if not any(_blocks(graph, other, code) for other in open_codes)] or list(
        open_codes
    )
    return max(free, key=lambda code: (_reach(graph, code, open_codes), score(graph, code, open_codes), code))


def _reach(graph: Graph, code: str, open_codes: Mapping[str, None]) -> int:
    """Return the highest severity that choosing this finding as a root would account for."""
    accounted = [code, *_closure(graph, code, open_codes)]
    return max(Severity(graph.verdicts[other].severity).rank for other in accounted)


def _blocks(graph: Graph, cause: str, effect: str) -> bool:
    """Return whether a finding waits for another; of two that explain each other the earlier layer goes first."""
    if cause == effect or not graph.accepts(effect, cause):
        return False
    if not graph.accepts(cause, effect):
        return True
    return _precedence(graph, cause, effect) < _precedence(graph, effect, cause)


def _precedence(graph: Graph, cause: str, effect: str) -> tuple[int, float, str]:
    return layer_of(graph.verdicts[cause]), -graph.follows(effect, cause), cause


def _closure(graph: Graph, root: str, open_codes: Iterable[str]) -> list[str]:
    """Return everything that follows from a root, directly or through what follows from it."""
    members: dict[str, None] = {root: None}
    waiting = [root]
    rest = [code for code in open_codes if code != root]
    while waiting:
        cause = waiting.pop()
        for code in rest:
            if code not in members and graph.accepts(code, cause) and graph.in_time(root, code):
                members[code] = None
                waiting.append(code)
    return [code for code in members if code != root]


def _nest(graph: Graph, root: Node, members: list[str]) -> None:
    """Hang each member under the finding on the most probable path from the root."""
    placed = {root.code: (root, 1.0)}
    rest = set(members)
    while rest:
        child, parent, path = max(
            ((code, above, path * _weight(graph, above, code)) for code in rest for above, (_, path) in placed.items()),
            key=lambda candidate: (candidate[2], candidate[1] == root.code, candidate[0]),
        )
        node = Node(graph.verdicts[child])
        placed[parent][0].followers.append(node)
        placed[child] = (node, path)
        rest.discard(child)
    for node, _ in placed.values():
        node.followers.sort(key=lambda follower: (-follower.severity.rank, follower.verdict.onset or 0, follower.code))


def _weight(graph: Graph, cause: str, effect: str) -> float:
    return (
        max(graph.edge(cause, effect), graph.follows(effect, cause) * HOP_DECAY)
        if graph.in_time(cause, effect)
        else 0.0
    )


def _after_nonfinite(roots: list[Node], step: int | None) -> list[Node]:
    """Make roots that began after the first non-finite value followers of the root that holds it."""
    holder = next((node for node in roots if any(code.startswith("nan-") for code in codes_of(node))), None)
    if step is None or holder is None:
        return roots
    late = [node for node in roots if node is not holder and _began_after(node, step)]
    nan = next(node for node in walk(holder) if node.code.startswith("nan-"))
    nan.followers += late
    return [node for node in roots if node not in late]


def _began_after(node: Node, step: int) -> bool:
    wired = node.verdict.rule.kind == "cause" and Evidence(node.verdict.rule.evidence) >= Evidence.EXACT
    return node.verdict.onset is not None and node.verdict.onset > step and not wired


def _name_other_causes(graph: Graph, roots: list[Node]) -> None:
    for root in roots:
        inside = set(codes_of(root))
        for node in walk(root):
            others = (
                r.code
                for r in roots
                if r is not root and r.verdict.rule.kind == "cause" and node.code not in codes_of(r)
            )
            node.also_explained_by = [code for code in others if code not in inside and graph.accepts(node.code, code)]


def walk(node: Node) -> list[Node]:
    """Return a finding and everything under it."""
    return [node, *(inner for follower in node.followers for inner in walk(follower))]


def codes_of(node: Node) -> list[str]:
    """Return the codes of a finding and of everything under it."""
    return [inner.code for inner in walk(node)]


def _confidence(verdict: Verdict, graph: Graph) -> Confidence:
    if verdict.rule.evidence == "static" or verdict.softened:
        return Confidence.POSSIBLE
    if verdict.rule.evidence in ("direct", "exact"):
        return Confidence.LIKELY if verdict.unsure else Confidence.CERTAIN
    return Confidence.POSSIBLE if verdict.unsure or _alone(verdict, graph) else Confidence.LIKELY


def _alone(verdict: Verdict, graph: Graph) -> bool:
    """Return whether none of the usual consequences of a cause came, though all were looked for."""
    usual = [code for code, weight in verdict.rule.explains.items() if weight >= CAUSE_FOLLOWS]
    return verdict.rule.kind == "cause" and bool(usual) and all(_is_clear(graph, code) for code in usual)
