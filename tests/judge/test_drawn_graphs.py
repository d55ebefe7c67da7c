"""What is made of sixty drawn sets of findings: which is a root, what follows from it, how sure it is.

To approve a change, delete the line of the set (or the whole file), run the test twice and read the difference.
"""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from rulekit import cause, found, rule
from variedlogs import hold_line

from trainadvisor.judge.cause_graph import FAMILY_LAYERS
from trainadvisor.judge.causes import Node, rank
from trainadvisor.judge.rule_verdict import CLEAR, UNKNOWN, Verdict

CODES = ["nan-loss", "nan-inputs", "lr", "wiring", "flat", "dead", "rises", "slow"]


def drawn(number: int) -> list[Verdict]:
    """Return eight verdicts, most of them found, whose rules explain some of the others."""
    chance = random.Random(number)  # noqa: S311 - the same sets in each run
    verdicts = []
    for code in CODES:
        others = [other for other in CODES if other != code]
        explains = {other: chance.choice([0.2, 0.4, 0.6, 0.9]) for other in others if chance.random() < 0.3}
        family, evidence = chance.choice(list(FAMILY_LAYERS)), chance.choice(["direct", "statistical"])
        make = chance.choice([cause, rule])
        made = make(code, family, evidence=evidence, explains=explains)
        verdict = found(made, onset=chance.choice([None, 0, 10, 60, 400]))
        verdict = replace(verdict, severity=chance.choice(["error", "error", "warning", "note"]))
        verdicts.append(replace(verdict, state=chance.choice([verdict.state] * 4 + [CLEAR, UNKNOWN])))
    return verdicts


def told(node: Node) -> dict[str, Any]:
    """Return a node with its followers."""
    return {
        "code": f"{node.code} {node.verdict.severity} {node.verdict.rule.family} {node.verdict.onset}",
        "score": round(node.score, 4),
        "confidence": str(node.confidence),
        "also": node.also_explained_by,
        "followers": [told(follower) for follower in node.followers],
    }


@pytest.mark.parametrize("number", range(60))
def test_the_roots_of_a_drawn_set(number: int) -> None:
    """In their order, with their followers nested."""
    chance = random.Random(-1 - number)  # noqa: S311 - (the same)
    steps, nonfinite = chance.choice([0, 100, 5000]), chance.choice([None, None, 5, 60])
    hold_line(
        "drawn-graphs.json",
        f"{number:02}",
        [told(node) for node in rank(drawn(number), steps=steps, nonfinite_step=nonfinite)],
    )
