"""Traffic anomaly detection with a stack of transformer layers over minutes of counts."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(23)
torch.set_num_threads(1)


def minutes(n, length=15):
    """A day is odd when two of its counts are extreme in the same direction."""
    x = torch.randn(n, length, 4) * 0.5
    a, b = torch.rand(n, length).argsort(1)[:, :2].unbind(1)
    rows = torch.arange(n)
    first, second = torch.randint(0, 2, (2, n)) * 2 - 1
    x[rows, a, 0] += 3.0 * first
    x[rows, b, 0] += 3.0 * second
    return TensorDataset(x, (first == second).long())


class TrafficModel(nn.Module):
    def __init__(self, d=32):
        super().__init__()
        self.project = nn.Linear(4, d)
        layer = nn.TransformerEncoderLayer(d_model=d, nhead=4, dim_feedforward=64, dropout=0.0)
        self.encoder = nn.TransformerEncoder(layer, num_layers=2)
        self.classify = nn.Linear(d, 2)

    def forward(self, counts):
        h = self.encoder(self.project(counts))
        return self.classify(h[:, 0])


train_loader = DataLoader(minutes(2000), batch_size=50, shuffle=True)
val_loader = DataLoader(minutes(300), batch_size=50)
model = TrafficModel()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(1, 6):
    model.train()
    losses = []
    for counts, label in train_loader:
        loss = criterion(model(counts), label)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    model.eval()
    correct = 0
    with torch.no_grad():
        for counts, label in val_loader:
            correct += (model(counts).argmax(dim=1) == label).sum().item()
    print(f"epoch {epoch} loss {sum(losses) / len(losses):.4f} val accuracy {correct / 300:.3f}")
