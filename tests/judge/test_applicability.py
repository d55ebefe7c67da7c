"""Whether a rule is about anything that a training has."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from trainadvisor.judge.applicability import lacking
from trainadvisor.judge.rulebook import Rule, rule_of

CTC, CODEBOOK = "ctc_emitted < 1", "codebook_used_share < 1"


def _rule(*branches: Sequence[str]) -> Rule:
    texts = {"title": "t", "finding": "f", "cause": "c", "verify": "v", "doc": "d", "search": ["s"]}
    parts = [{"name": f"b{n}", "when": list(lines), "en": {}, "zh": {}} for n, lines in enumerate(branches)]
    data = {"kind": "cause", "severity": "note", "evidence": "direct", "branches": parts, "en": texts, "zh": texts}
    return rule_of(Path("rules/data/some.toml"), data)


@pytest.mark.parametrize(
    ("branches", "absent", "found"),
    [
        ([[CTC]], ["no-ctc"], "no-ctc"),
        ([[CTC]], ["no-codebook"], None),
        ([["steps > 1", CTC]], ["no-ctc"], "no-ctc"),
        ([[f"{CTC} and steps > 1"]], ["no-ctc"], "no-ctc"),
        ([[f"{CTC} or steps > 1"]], ["no-ctc"], None),
        ([[f"{CTC} or {CTC}"]], ["no-ctc"], "no-ctc"),
        ([[CTC], [CODEBOOK]], ["no-ctc"], None),
        ([[CTC], [CODEBOOK]], ["no-ctc", "no-codebook"], "no-ctc"),
        ([["steps > 1"]], ["no-ctc", "no-codebook"], None),
    ],
)
def test_a_rule_hangs_on_what_every_way_to_find_it_needs(
    branches: list[list[str]], absent: list[str], found: str | None
) -> None:
    """All lines of a branch have to hold, one of several alternatives or branches is enough."""
    assert lacking(_rule(*branches), absent) == found
