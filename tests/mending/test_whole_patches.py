"""What is changed in each of many scripts for each finding: which lines go and come at which place, or nothing.

To approve a change, delete the line of the script (or the whole file), run the test twice and read the difference.
"""

from __future__ import annotations

import hashlib

import pytest
from variedlogs import hold_line

from tests.mending.test_patches import finding, remedy
from tests.mending.test_running import test_the_mended_script_runs as running
from trainadvisor.judge.rule_loading import load
from trainadvisor.mending.patches import patch
from trainadvisor.source.edits import diff
from trainadvisor.source.reading import parse

BOOK = load()
ROWS = running.pytestmark[0].args[1]
ADVISED = {f"{code} {told.change} {told.arguments}": (code, told) for code, told, _, _ in ROWS}
ADVISED |= {
    f"{rule.code} {number}": (rule.code, remedy(str(entry["change"])))
    for rule in BOOK.rules.values()
    for number, entry in enumerate(rule.all_remedies[:2])
    if "change" in entry
}
SCRIPTS = {hashlib.sha256(text.encode()).hexdigest()[:8]: text for _, _, text, _ in ROWS}


@pytest.mark.parametrize("name", SCRIPTS)
def test_what_each_finding_changes_in_a_script(name: str) -> None:
    """By the code of the finding and its remedy."""
    source = parse(SCRIPTS[name], "train.py")
    made = {}
    for key, (code, told) in sorted(ADVISED.items()):
        found = patch(finding(code, told), source, BOOK)
        if found is not None and found.text is not None and found.text != SCRIPTS[name]:
            made[key] = [line for line in diff(source, found.text).split("\n")[2:] if line and line[0] in "+-@"]
    hold_line("patches.json", name, made)
