"""Shopping baskets: does the basket hold both parts of one of the offers?"""

import torch
import torch.nn as nn

torch.manual_seed(4)
torch.set_num_threads(1)

ITEMS, SIZE = 24, 8
OFFERS = {2 * k: 2 * k + 1 for k in range(12)}


def baskets(n):
    while True:
        x = torch.rand(n, ITEMS).argsort(1)[:, :SIZE]
        have = torch.zeros(n, ITEMS).scatter_(1, x, 1.0)
        pairs = (have[:, 0::2] * have[:, 1::2]).sum(1)
        yield x, (pairs >= 1).float()


class OfferModel(nn.Module):
    def __init__(self, d=32):
        super().__init__()
        self.items = nn.Embedding(ITEMS, d)
        self.attn = nn.MultiheadAttention(d, num_heads=4)
        self.norm1 = nn.LayerNorm(d)
        self.ff = nn.Sequential(nn.Linear(d, 64), nn.ReLU(), nn.Linear(64, d))
        self.norm2 = nn.LayerNorm(d)
        self.score = nn.Linear(d, 1)

    def forward(self, x):
        h = self.items(x)
        a, _ = self.attn(h, h, h, need_weights=False)
        h = self.norm1(h + a)
        h = self.norm2(h + self.ff(h))
        return self.score(h.amax(1)).squeeze(1)


model = OfferModel()
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-3)
bce = nn.BCEWithLogitsLoss()
source = baskets(64)
losses = []
for step in range(1, 601):
    x, y = next(source)
    loss = bce(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
    if step % 150 == 0:
        model.eval()
        with torch.no_grad():
            pairs = [next(source) for _ in range(10)]
            acc = sum(((model(x) > 0) == (y > 0.5)).float().mean().item() for x, y in pairs) / 10
        model.train()
        print(f"step {step}: loss {sum(losses[-50:]) / 50:.4f} accuracy {acc:.3f}")
