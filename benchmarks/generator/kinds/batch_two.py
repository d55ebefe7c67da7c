"""Two small volumes at a time, as memory allows in medical imaging: a convolutional net with group norm."""

import json
import random
import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

FAULT, SEED = sys.argv[1], int(sys.argv[2])
torch.manual_seed(SEED)
random.seed(SEED)


def volumes(n):
    """Half of the volumes hold a bright ball."""
    grid = torch.stack(torch.meshgrid(*[torch.arange(10.0)] * 3, indexing="ij"))
    center = torch.randint(2, 8, (n, 3, 1, 1, 1)).float()
    ball = (((grid - center) ** 2).sum(1) < 5).float()
    y = torch.randint(0, 2, (n,))
    return (ball * y.view(-1, 1, 1, 1) + 0.6 * torch.randn(n, 10, 10, 10))[:, None], y


(x, y), (x_val, y_val) = volumes(300), volumes(120)
if FAULT == "val_unscaled":
    x_val = x_val * 20 + 5
c = random.choice([8, 12])
norm = (lambda n: nn.BatchNorm3d(n, momentum=0.9)) if FAULT == "batch_norm" else (lambda n: nn.GroupNorm(4, n))
model = nn.Sequential(
    nn.Conv3d(1, c, 3, padding=1), norm(c), nn.ReLU(), nn.MaxPool3d(2),
    nn.Conv3d(c, c, 3, padding=1), norm(c), nn.ReLU(), nn.AdaptiveMaxPool3d(1), nn.Flatten(), nn.Linear(c, 2),
)  # fmt: skip
optimizer = torch.optim.Adam(model.parameters(), lr=random.uniform(1e-3, 3e-3))
loader = DataLoader(TensorDataset(x, y), batch_size=2, shuffle=True)
val_loader = DataLoader(TensorDataset(x_val, y_val), batch_size=2)
history = []
for epoch in range(6):
    model.train()
    for xb, yb in loader:
        logits = model(xb)
        if FAULT == "softmax":
            logits = logits.softmax(1)
        loss = nn.functional.cross_entropy(logits, yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    total, right = 0.0, 0
    with torch.no_grad():
        for xb, yb in val_loader:
            logits = model(xb)
            total += nn.functional.cross_entropy(logits, yb).item()
            right += (logits.argmax(1) == yb).sum().item()
    history.append(total / len(val_loader))
    print(f"epoch {epoch} val loss {history[-1]:.4f} accuracy {right / len(y_val):.3f}")
print("RESULT", json.dumps({"skill": 2 * right / len(y_val) - 1, "train_loss": loss.item(), "history": history}))
