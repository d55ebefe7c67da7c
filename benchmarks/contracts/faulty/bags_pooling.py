"""Multiple-instance learning: attention pooling over the instances of a bag."""

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(16)
torch.set_num_threads(1)


class Bags(Dataset):
    def __init__(self, n, instances=20, width=8):
        self.x = torch.randn(n, instances, width)
        self.y = torch.randint(0, 2, (n, 1)).float()
        where = torch.randint(0, instances, (n,))
        sign = self.y.squeeze(1) * 2 - 1
        self.x[torch.arange(n), where, 0] = 4.0
        self.x[torch.arange(n), where, 1] = 1.5 * sign

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


class AttentionPool(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.score = nn.Sequential(nn.Linear(width, hidden), nn.Tanh(), nn.Linear(hidden, 1))

    def forward(self, h):
        weights = torch.softmax(self.score(h), dim=-1)
        return (weights * h).sum(1)


class BagClassifier(nn.Module):
    def __init__(self, width=8, hidden=24):
        super().__init__()
        self.instance = nn.Sequential(nn.Linear(width, hidden), nn.Tanh())
        self.pool = AttentionPool(hidden, hidden)
        self.out = nn.Linear(hidden, 1)

    def forward(self, x):
        return self.out(self.pool(self.instance(x)))


train, test = DataLoader(Bags(2000), batch_size=50, shuffle=True), DataLoader(Bags(400), batch_size=200)
model, criterion = BagClassifier(), nn.BCEWithLogitsLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(8):
    model.train()
    for x, y in train:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        acc = sum(((model(x) > 0).float() == y).sum().item() for x, y in test) / 400
    print(f"epoch {epoch}: loss {loss.item():.4f} test accuracy {acc:.3f}")
