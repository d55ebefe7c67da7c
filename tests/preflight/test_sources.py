"""What stands in the script is told before it trains."""

from pathlib import Path

import pytest
from builders import log_of

from trainadvisor.judge.assembly import judge_log
from trainadvisor.judge.rule_loading import load
from trainadvisor.mending.written_faults import fault_events
from trainadvisor.preflight import early_rules

SCALED = """import torch
from sklearn.preprocessing import StandardScaler
scaler = StandardScaler()
X_train = scaler.fit_transform(X_train)
X_test = scaler.fit_transform(X_test)
"""


def test_a_fault_of_the_source_is_found_in_the_first_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Named by its line below the working folder; a sound script adds nothing."""
    monkeypatch.chdir(tmp_path)
    Path("train.py").write_text(SCALED)
    Path("sound.py").write_text(SCALED.replace("X_test = scaler.fit_", "X_test = scaler."))
    found = []
    for name in ("train.py", "sound.py"):
        log = log_of(tmp_path, steps=60)
        log.events += fault_events(name, [name])
        judged = judge_log(log, early_rules.of_first_steps(load(), "en"))
        found.append([(item.code, item.sites[0].where) for item in judged.findings if item.branch == "written"])
    assert found == [[("preprocessing-mismatch", "train.py:5")], []]
