"""Language model over coded weather sequences with the transformer layers of torch."""

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader

torch.manual_seed(31)
torch.set_num_threads(1)
STATES, LENGTH = 12, 20


def chain(n, length):
    """Second-order Markov chain with two likely successors for each pair of states."""
    g = torch.Generator().manual_seed(5)
    likely = torch.randint(0, STATES, (STATES, STATES, 2), generator=g)
    seq = [torch.randint(0, STATES, (n,)), torch.randint(0, STATES, (n,))]
    for _ in range(length - 2):
        seq.append(likely[seq[-2], seq[-1], torch.randint(0, 2, (n,))])
    return torch.stack(seq, 1)


class WeatherLM(nn.Module):
    def __init__(self, d_model=32, nhead=4, layers=2):
        super().__init__()
        self.token = nn.Embedding(STATES, d_model)
        self.register_buffer("pe", self._positions(LENGTH, d_model))
        block = nn.TransformerEncoderLayer(d_model, nhead, 2 * d_model, dropout=0.0, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(block, layers, enable_nested_tensor=False)
        self.decoder = nn.Linear(d_model, STATES)

    @staticmethod
    def _positions(n, d):
        angle = torch.arange(n)[:, None] / 100 ** (torch.arange(0, d, 2) / d)
        return torch.cat([angle.sin(), angle.cos()], 1)

    def forward(self, tokens):
        h = self.token(tokens) + self.pe[: tokens.shape[1]]
        return self.decoder(self.encoder(h))


def loss_of(model, seq):
    return F.cross_entropy(model(seq[:, :-1]).reshape(-1, STATES), seq[:, 1:].reshape(-1))


train = DataLoader(chain(3000, LENGTH), batch_size=60, shuffle=True)
val = chain(300, LENGTH)
model = WeatherLM()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(6):
    model.train()
    for seq in train:
        loss = loss_of(model, seq)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        print(f"epoch {epoch} train {loss.item():.4f} val {loss_of(model, val):.4f}")
