"""Time-major GRU (T, N, F), as the collate function stacks the sequences along dim 1."""

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(3)
torch.set_num_threads(1)


class Waves(Dataset):
    """Three kinds of waves with random phase, two channels, 30 points."""

    def __init__(self, n):
        t = torch.arange(30) / 30 * 6.28
        self.y = torch.randint(0, 3, (n,))
        phase = torch.rand(n, 1) * 6.28
        f = torch.tensor([1.0, 2.0, 3.0])[self.y][:, None]
        a = torch.sin(f * t + phase)
        b = torch.sign(torch.cos(t + phase))
        self.x = torch.stack([a, b], -1) + 0.3 * torch.randn(n, 30, 2)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


def time_major(batch):
    seqs, labels = zip(*batch)
    return torch.stack(seqs, dim=1), torch.stack(labels)


class WaveNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(2, 32, num_layers=1)
        self.fc = nn.Linear(32, 3)

    def forward(self, x):
        _, h = self.gru(x)
        return self.fc(h[-1])


train = DataLoader(Waves(2000), batch_size=40, shuffle=True, collate_fn=time_major)
val = DataLoader(Waves(400), batch_size=40, collate_fn=time_major)
model, loss_fn = WaveNet(), nn.CrossEntropyLoss()
opt = torch.optim.RMSprop(model.parameters(), lr=3e-3)
for ep in range(7):
    model.train()
    for x, y in train:
        opt.zero_grad()
        loss = loss_fn(model(x), y)
        loss.backward()
        nn.utils.clip_grad_value_(model.parameters(), 0.5)
        opt.step()
    model.eval()
    with torch.no_grad():
        acc = sum((model(x).argmax(1) == y).sum().item() for x, y in val) / 400
    print("epoch", ep, "loss", round(loss.item(), 4), "val", acc)
