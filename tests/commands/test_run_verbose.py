"""`trainadvisor run -v` shows at the end what `diagnose -v` shows."""

from pathlib import Path

import forkedpython
import pytest

SCRIPT = """
import torch
model = torch.nn.Linear(4, 2)
optimizer = torch.optim.SGD(model.parameters(), 0.1)
x = torch.randn(64, 4)
for _ in range(30):
    optimizer.zero_grad()
    torch.nn.functional.cross_entropy(model(x), (x[:, 0] > 0).long()).backward()
    optimizer.step()
"""


@pytest.mark.parametrize(("options", "listed"), [(["-v"], True), ([], False)])
def test_every_check_is_listed_where_asked(tmp_path: Path, options: list[str], *, listed: bool) -> None:
    """Without the option the checks are counted only."""
    (tmp_path / "train.py").write_text(SCRIPT)
    done = forkedpython.run(["-m", "trainadvisor", "run", *options, "train.py"], tmp_path)
    assert done.returncode == 0
    assert ("memory-growth: needs" in done.stderr) == listed
