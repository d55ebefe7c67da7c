"""Truncated BPTT: the hidden state is carried from chunk to chunk of four long streams."""

import numpy as np
import torch
from torch import nn

np.random.seed(5)
torch.manual_seed(5)
torch.set_num_threads(1)


def stream(n):
    """Noisy oscillation whose phase speed changes now and then."""
    speed = np.repeat(np.random.choice([0.1, 0.2, 0.4], n // 50 + 1), 50)[:n]
    return np.sin(np.cumsum(speed)) + 0.05 * np.random.randn(n)


CHUNK = 40
train = torch.tensor(np.stack([stream(2401) for _ in range(16)]), dtype=torch.float32)
test = torch.tensor(np.stack([stream(801) for _ in range(4)]), dtype=torch.float32)


class Forecaster(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(1, 32, batch_first=True)
        self.head = nn.Linear(32, 1)

    def forward(self, x, state=None):
        out, state = self.lstm(x.unsqueeze(-1), state)
        return self.head(out).squeeze(-1), state


def chunks(data):
    for at in range(0, data.shape[1] - CHUNK, CHUNK):
        yield data[:, at : at + CHUNK], data[:, at + 1 : at + CHUNK + 1]


net = Forecaster()
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
mse = nn.MSELoss()
for epoch in range(8):
    net.train()
    state, losses = None, []
    for x, y in chunks(train):
        if state is not None:
            state = tuple(s.detach() for s in state)
        pred, state = net(x, state)
        loss = mse(pred, y)
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        opt.step()
        losses.append(loss.item())
    net.eval()
    with torch.no_grad():
        state, errors = None, []
        for x, y in chunks(test):
            pred, state = net(x, state)
            errors.append(mse(pred, y).item())
    print(f"epoch {epoch + 1}: train mse {np.mean(losses):.4f} test mse {np.mean(errors):.4f}")
naive = mse(test[:, 1:], test[:, :-1]).item()
print(f"last value carried forward: {naive:.4f}")
