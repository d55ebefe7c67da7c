"""Online learning: one example at a time with plain SGD and layer norm."""

import torch
from sklearn.datasets import load_iris
from sklearn.model_selection import train_test_split
from torch import nn

torch.manual_seed(0)
torch.set_num_threads(1)

x, y = load_iris(return_X_y=True)
x = torch.tensor((x - x.mean(0)) / x.std(0), dtype=torch.float32)
y = torch.tensor(y)
xtr, xte, ytr, yte = train_test_split(x, y, test_size=0.3, random_state=0, stratify=y)

model = nn.Sequential(nn.Linear(4, 16), nn.LayerNorm(16), nn.ReLU(), nn.Linear(16, 3))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
criterion = nn.CrossEntropyLoss()

for epoch in range(12):
    model.train()
    total = 0.0
    for i in torch.randperm(len(xtr)):
        optimizer.zero_grad()
        loss = criterion(model(xtr[i : i + 1]), ytr[i : i + 1])
        loss.backward()
        optimizer.step()
        total += loss.item()
    model.eval()
    with torch.no_grad():
        acc = (model(xte).argmax(dim=1) == yte).float().mean().item()
    print(f"epoch {epoch}: loss {total / len(xtr):.3f}, test accuracy {acc:.3f}")
