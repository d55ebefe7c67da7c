"""The listing of rules as a document."""

from __future__ import annotations

import json

from trainadvisor.judge.rule_loading import load
from trainadvisor.report.text.listing import rules_json


def test_rules_as_json_are_one_entry_a_rule_with_both_titles() -> None:
    """In the order that was asked for."""
    book = load()
    chosen = [book.rules["plateau"], book.rules["lr-too-high"]]
    rows = json.loads(rules_json(book, chosen))
    assert [row["code"] for row in rows] == ["plateau", "lr-too-high"]
    assert rows[1]["title"] == {"en": chosen[1].title("en"), "zh": chosen[1].title("zh")}
    assert [row["off"] for row in rows] == [None, None]
