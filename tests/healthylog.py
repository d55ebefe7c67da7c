"""A log that is healthy by every check: a small classifier on separable data, really trained and recorded once."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

_TRAINING = """
import sys, torch, torch.nn.functional as F
from torch import nn
import trainadvisor

torch.manual_seed(0)
torch.set_num_threads(1)
centers = 2 * torch.randn(4, 8)

def batch(size):
    y = torch.randint(0, 4, (size,))
    return centers[y] + torch.randn(size, 8), y

x, y = batch(1024)
data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), 32, shuffle=True)
held_out = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(*batch(512)), 128)
model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 4))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
with trainadvisor.watch(model, optimizer, log=sys.argv[1]) as advisor:
    for epoch in range(10):
        model.train()
        for inputs, labels in data:
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), labels).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            for inputs, labels in held_out:
                F.cross_entropy(model(inputs), labels)
"""


@functools.cache
def _records() -> tuple[dict[str, Any], ...]:
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log.json"
        subprocess.run([sys.executable, "-c", _TRAINING, str(log)], check=True, timeout=300)
        return tuple(json.loads(log.read_text(encoding="utf-8")))


def healthy_log(folder: Path, name: str = "log.json", **header: Any) -> Path:
    """Write the log into a folder, with some of its header's facts replaced, and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    first, *rest = _records()
    shown = {"script": "train.py", "argv": [], **header}
    lines = ",\n".join(json.dumps(record) for record in [{**first, **shown}, *rest])
    (folder / name).write_text(f"[{lines}\n]\n", encoding="utf-8")
    return folder / name
