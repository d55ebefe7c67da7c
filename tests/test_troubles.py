"""The table of the most frequent troubles names codes and answers that exist."""

import re
from pathlib import Path

from trainadvisor.answers import written
from trainadvisor.judge.rule_loading import load
from trainadvisor.judge.rulebook import ANSWERS, shipped_rules

TABLE = Path(__file__).parent.parent / "docs" / "troubles.md"
ROWS = re.findall(r"^\| (\d+) \|[^|]*\|([^|]*)\|", TABLE.read_text(encoding="utf-8"), re.MULTILINE)


def test_each_trouble_has_a_code_or_an_answer() -> None:
    """Twenty-five rows, each with a name that is known."""
    known = {*load().rules, *(entry.id for entry in written.load(shipped_rules() / ANSWERS))}
    assert [int(number) for number, _ in ROWS] == list(range(1, 26))
    assert [names for _, names in ROWS if not re.findall(r"`([\w-]+)`", names)] == []
    assert {name for _, names in ROWS for name in re.findall(r"`([\w-]+)`", names)} - known == set()


def test_what_is_normal_is_a_note() -> None:
    """A rule that is told as normal is of that kind."""
    told = [name for _, names in ROWS for name in re.findall(r"(?<!not )normal: `([\w-]+)`", names)]
    assert told == ["group-loss-near-zero", "preference-rewards-both-fall"]
    assert [load().rules[name].kind for name in told] == ["expected", "expected"]
