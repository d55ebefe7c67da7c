"""Text classification with attention in local windows; padded words are not attended to."""

import random

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader

PAD, WINDOW, WIDTH, VOCAB = 0, 4, 16, 40


class WindowAttention(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.q, self.k, self.v, self.o = (nn.Linear(d, d) for _ in range(4))

    def forward(self, x, keep):
        n, t, d = x.shape
        q, k, v = (f(x).view(n, t // WINDOW, WINDOW, d) for f in (self.q, self.k, self.v))
        scores = q @ k.transpose(-1, -2) / d**0.5
        scores = scores.masked_fill(~keep.view(n, t // WINDOW, 1, WINDOW), float("-inf"))
        return self.o((F.softmax(scores, dim=-1) @ v).view(n, t, d))


class ReviewClassifier(nn.Module):
    def __init__(self, d=32, classes=2):
        super().__init__()
        self.embedding = nn.Embedding(VOCAB, d, padding_idx=PAD)
        self.attention = WindowAttention(d)
        self.norm = nn.LayerNorm(d)
        self.out = nn.Linear(d, classes)

    def forward(self, ids):
        keep = ids != PAD
        x = self.embedding(ids)
        x = self.norm(x + self.attention(x, keep))
        return self.out((x * keep.unsqueeze(-1)).sum(1) / keep.sum(1, keepdim=True))


def review():
    words = [random.randrange(1, VOCAB) for _ in range(random.randint(5, WIDTH))]
    return words + [PAD] * (WIDTH - len(words)), int(sum(w < 10 for w in words) * 4 > len(words))


random.seed(3)
torch.manual_seed(3)
torch.set_num_threads(1)
rows = [review() for _ in range(2400)]
data = [(torch.tensor(ids), label) for ids, label in rows]
train, test = DataLoader(data[:2000], batch_size=50, shuffle=True), DataLoader(data[2000:], batch_size=100)
model = ReviewClassifier()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(6):
    model.train()
    for ids, label in train:
        loss = F.cross_entropy(model(ids), label)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        hits = sum((model(ids).argmax(1) == label).sum().item() for ids, label in test)
    print(f"epoch {epoch} loss {loss.item():.4f} accuracy {hits / 400:.3f}")
