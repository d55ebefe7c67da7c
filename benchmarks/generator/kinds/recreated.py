"""Progressive unfreezing: a new optimizer for each stage, over more of the network."""

import json
import random
import sys

import torch
from torch import nn
from torch.nn import functional as F

FAULT, SEED = sys.argv[1], int(sys.argv[2])
torch.manual_seed(SEED)
random.seed(SEED)
x = torch.randn(1500, 20)
y = torch.stack([x[:, 0], x[:, 1] * x[:, 2], x[:, 3].abs() - 1], 1).argmax(1)
width = random.choice([48, 96])
layers = [nn.Linear(20, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 3)]
model, rate = nn.Sequential(*layers), random.uniform(1e-3, 4e-3)
for stage, first in enumerate([4, 2, 0]):
    for p in model.parameters():
        p.requires_grad_(False)
    for p in model[4 if FAULT == "never_unfrozen" else first :].parameters():
        p.requires_grad_(True)
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.Adam(trained, lr=rate)
    for epoch in range(4 + 6 * stage):
        model.train()
        for i in torch.randperm(1200).split(32):
            if FAULT == "each_step":
                optimizer = torch.optim.Adam(trained, lr=10 * rate)
            loss = F.cross_entropy(model(x[i]), y[i])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            out = model(x[1200:])
            accuracy = (out.argmax(1) == y[1200:]).float().mean().item()
    print(
        f"stage {stage} loss {loss.item():.4f} val {F.cross_entropy(out, y[1200:]).item():.4f} accuracy {accuracy:.3f}"
    )
print("RESULT", json.dumps({"skill": (accuracy - 0.4) / 0.6, "train_loss": loss.item(), "history": []}))
