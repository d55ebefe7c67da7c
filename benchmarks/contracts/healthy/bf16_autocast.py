"""Mixed precision on the CPU: bfloat16 autocast around forward and loss, float32 master weights."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(12)
torch.set_num_threads(1)

images, target = load_digits(return_X_y=True)
images = (torch.tensor(images, dtype=torch.float32) / 16 - 0.3) / 0.37
target = torch.tensor(target)
perm = torch.randperm(1797)
train = DataLoader(TensorDataset(images[perm[:1400]], target[perm[:1400]]), batch_size=70, shuffle=True)
test = DataLoader(TensorDataset(images[perm[1400:]], target[perm[1400:]]), batch_size=397)

net = nn.Sequential(nn.Linear(64, 160), nn.LayerNorm(160), nn.GELU(), nn.Linear(160, 80), nn.GELU(), nn.Linear(80, 10))
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
scaler = torch.amp.GradScaler("cpu", enabled=False)

for epoch in range(10):
    net.train()
    for x, y in train:
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = net(x)
            loss = nn.functional.cross_entropy(logits, y)
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()
    net.eval()
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        acc = sum((net(x).argmax(1) == y).float().mean().item() for x, y in test) / len(test)
    print(f"epoch {epoch} loss {loss.item():.4f} acc {acc:.4f}")
