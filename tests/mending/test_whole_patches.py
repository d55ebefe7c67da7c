"""What is changed in each of many scripts for each finding: which lines go and come at which place, or nothing.

To approve a change, delete the line of the script (or the whole file), run the test twice and read the difference.
"""

from __future__ import annotations

import hashlib

import pytest
from variedlogs import hold_line

from tests.mending import written_scripts
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


SETTINGS = [
    *(remedy("lr", factor=factor) for factor in (0.1, 1.0)), remedy("lr", value=0.002),
    remedy("weight-decay", value=0.01), remedy("eps", value=1e-6), remedy("betas", beta2=0.95),
    remedy("betas", beta1=0.5, beta2=0.9), remedy("batch-size", factor=4), remedy("batch-size", factor=0.01),
    remedy("batch-size", value=64), remedy("workers", num_workers=4), remedy("pin-memory"),
    remedy("loss-function", reduction="mean"), remedy("dropout", p=0.1), remedy("bn-momentum", value=0.1),
    remedy("clip", max_norm=1.0), remedy("clip", max_norm=0.01), remedy("mode", mode="train"),
    remedy("mode", mode="eval"), remedy("mode", mode="both"), remedy("shuffle", shuffle=True),
    remedy("optimizer", to="AdamW", lr=0.003), remedy("activation", to="gelu"), remedy("activation", to="relu"),
    remedy("init", to="he"), remedy("init", to="xavier"), remedy("init", to="orthogonal"),
    remedy("scheduler-step", per="step"), remedy("scheduler-step", per="epoch"), remedy("normalization", to="layer"),
    remedy("normalization", to="batch"), remedy("precision", dtype="bfloat16"), remedy("precision", scaler=True),
    remedy("warmup", steps=100), remedy("schedule", to="cosine", steps=1000), remedy("label-smoothing", value=0.1),
    remedy("residual"), remedy("match-shapes"), remedy("standardize-inputs"), remedy("standardize-targets"),
    remedy("stable-loss"), remedy("remove-output-activation"), remedy("add-parameters"), remedy("unfreeze"),
    remedy("accumulation"),
]  # fmt: skip
"""Settings that remedies give, each as a rule that has nothing of its own to mend would ask for it."""


@pytest.mark.parametrize("name", written_scripts.SCRIPTS)
def test_what_each_finding_changes_in_a_written_script(name: str) -> None:
    """By the code of the finding and its remedy, and by each setting."""
    asked = [*ADVISED.items(), *((f"{told.change} {told.arguments}", ("lr-too-high", told)) for told in SETTINGS)]
    source = parse(written_scripts.SCRIPTS[name], "train.py")
    made: dict[str, list[str]] = {}
    for key, (code, told) in sorted(asked):
        found = patch(finding(code, told), source, BOOK)
        if found is None:
            continue
        shown = diff(source, found.text).split("\n")[2:] if found.text is not None else [found.kind, found.words]
        made.setdefault("\n".join(line for line in shown if line and line[0] != " "), []).append(key)
    hold_line("written-patches.json", name, [[change.split("\n"), keys] for change, keys in made.items()])


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
