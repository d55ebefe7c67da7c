"""Human activity from six inertial channels; recordings come as (channels, samples)."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

np.random.seed(7)
torch.manual_seed(7)
torch.set_num_threads(1)

CHANNELS, SAMPLES, ACTIVITIES = 6, 48, 4


def recordings(n):
    label = np.random.randint(0, ACTIVITIES, n)
    t = np.arange(SAMPLES)[None, None, :]
    channel = np.arange(CHANNELS)[None, :, None]
    speed = np.array([0.25, 0.25, 0.5, 0.5])[label][:, None, None]
    sign = np.array([1, -1, 1, -1])[label][:, None, None]
    phase = np.random.rand(n, 1, 1) * 6.28
    x = np.sin(speed * t + sign * channel * 0.9 + phase) + 0.4 * np.random.randn(n, CHANNELS, SAMPLES)
    return torch.tensor(x, dtype=torch.float32), torch.tensor(label)


class ActivityLSTM(nn.Module):
    def __init__(self, hidden=40):
        super().__init__()
        self.hidden = hidden
        self.lstm = nn.LSTM(CHANNELS, hidden, batch_first=True)
        self.dropout = nn.Dropout(0.1)
        self.fc = nn.Linear(hidden, ACTIVITIES)

    def forward(self, x):
        n, c, t = x.shape
        x = x.view(n, t, c)
        _, (h, _) = self.lstm(x)
        return self.fc(self.dropout(h[-1]))


def epoch_of(model, loader, optimizer=None):
    model.train(optimizer is not None)
    total, right, seen = 0.0, 0, 0
    for x, y in loader:
        with torch.set_grad_enabled(optimizer is not None):
            out = model(x)
            loss = F.cross_entropy(out, y)
        if optimizer is not None:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        total, right, seen = total + loss.item() * len(y), right + (out.argmax(1) == y).sum().item(), seen + len(y)
    return total / seen, right / seen


train = DataLoader(TensorDataset(*recordings(1600)), batch_size=50, shuffle=True)
test = DataLoader(TensorDataset(*recordings(400)), batch_size=100)
model = ActivityLSTM()
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
for epoch in range(8):
    train_loss, train_acc = epoch_of(model, train, optimizer)
    test_loss, test_acc = epoch_of(model, test)
    print(f"[{epoch}] train {train_loss:.3f} ({train_acc:.3f}) test {test_loss:.3f} ({test_acc:.3f})")
