"""Transfer: first the new head alone, then everything with a second optimizer and a smaller rate."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(5)
torch.set_num_threads(1)

d = load_digits()
images = torch.tensor(d.images[:, None] / 16, dtype=torch.float32)
target = torch.tensor(d.target)
low, high = target < 5, target >= 5
cut = int(0.75 * high.sum())
source = DataLoader(TensorDataset(images[low], target[low]), 50, shuffle=True)
xs, ys = images[high], target[high] - 5
train = DataLoader(TensorDataset(xs[:cut], ys[:cut]), 50, shuffle=True)
valid = DataLoader(TensorDataset(xs[cut:], ys[cut:]), 100)

backbone = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
)  # fmt: skip


def run(model, optimizer, loader, epochs, name):
    for epoch in range(epochs):
        model.train()
        for x, y in loader:
            loss = nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"{name} {epoch}: loss {loss.item():.4f}", f"val acc {validate(model):.3f}" if name != "source" else "")


@torch.no_grad()
def validate(model):
    model.eval()
    return sum((model(x).argmax(1) == y).sum().item() for x, y in valid) / len(ys[cut:])


pre = nn.Sequential(backbone, nn.Linear(128, 5))
run(pre, torch.optim.Adam(pre.parameters(), lr=3e-3), source, 8, "source")

model = nn.Sequential(backbone, nn.Linear(128, 5))
for p in backbone.parameters():
    p.requires_grad = False
run(model, torch.optim.Adam(model[1].parameters(), lr=1e-2), train, 6, "head")

for p in backbone.parameters():
    p.requires_grad = True
second = torch.optim.AdamW(
    [{"params": backbone.parameters(), "lr": 1e-3}, {"params": model[1].parameters(), "lr": 3e-3}], weight_decay=1e-3
)
run(model, second, train, 14, "full")
