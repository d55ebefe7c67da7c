"""Writes the script of a demo: a training loop with the lines that the demo changes."""

from __future__ import annotations

from dataclasses import dataclass

TEMPLATE = '''\
"""Made by `trainadvisor demo {code}`."""

import torch
from torch import nn
from torch.nn import functional as F

import trainadvisor
from trainadvisor.demos import demo_data

{definitions}
torch.manual_seed({seed})
train, validation = {data}
model = {model}
{prepare}
criterion = {criterion}
optimizer = {optimizer}
advisor = trainadvisor.watch(model, optimizer, log="{log}")

for epoch in range({epochs}):
    model.train()
    for inputs, targets in train:
        {zero_grad}
        loss = criterion(model(inputs), targets)
        loss.backward()
        {clip}
        {step}
    model.eval()
    with torch.no_grad():
        for inputs, targets in validation:
            outputs = model(inputs)
            validation_loss = criterion(outputs, targets).item()
            score = {score}
    results = f"validation loss {{validation_loss:.3f}}, {measure} {{score:.3f}}"
    print(f"epoch {{epoch + 1:2}}: loss {{loss.item():.3f}}, {{results}}")
advisor.close()
'''


@dataclass(frozen=True)
class Script:
    """The lines of a training that differ between demos; a line without text is left out."""

    data: str = "demo_data.digits()"
    model: str = "nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))"
    prepare: str = ""
    criterion: str = "nn.CrossEntropyLoss()"
    optimizer: str = "torch.optim.SGD(model.parameters(), lr=0.1)"
    epochs: int = 6
    zero_grad: str = "optimizer.zero_grad()"
    clip: str = ""
    step: str = "optimizer.step()"
    measure: str = "accuracy"
    score: str = "(outputs.argmax(1) == targets).float().mean().item()"
    definitions: str = ""
    seed: int = 0

    def source(self, code: str, log: str) -> str:
        """Return the text of the script, without the lines that are empty in this demo."""
        blocks = {name: str(value) for name, value in vars(self).items()}
        empty = {f"{{{name}}}" for name, text in blocks.items() if not text}
        lines = [line for line in TEMPLATE.splitlines() if line.strip() not in empty]
        return "\n".join(lines).format(**blocks, code=code, log=log) + "\n"
