"""RankNet: all pairs of the documents of a query are compared by broadcasting."""

import torch
from torch import nn, optim
from torch.nn import functional as F

torch.manual_seed(2)
torch.set_num_threads(1)


def queries(n, docs=12):
    x = torch.randn(n, docs, 8)
    gain = x[..., 0] * 1.5 - x[..., 1] ** 2 + x[..., 2] * x[..., 3] + 0.1 * torch.randn(n, docs)
    return x, gain


def ranknet_loss(scores, relevance):
    diff = scores.unsqueeze(2) - scores.unsqueeze(1)
    wanted = relevance.unsqueeze(2) > relevance.unsqueeze(1)
    return F.softplus(-diff)[wanted].mean()


def concordance(scores, relevance):
    s = scores[:, :, None] - scores[:, None, :]
    r = relevance[:, :, None] - relevance[:, None, :]
    return ((s * r) > 0).float().sum() / (r != 0).sum()


scorer = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
optimizer = optim.Adam(scorer.parameters(), lr=2e-3)
x_train, g_train = queries(1500)
x_test, g_test = queries(200)
for epoch in range(12):
    scorer.train()
    for b in torch.randperm(len(x_train)).split(32):
        loss = ranknet_loss(scorer(x_train[b]).squeeze(-1), g_train[b])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    scorer.eval()
    with torch.no_grad():
        c = concordance(scorer(x_test).squeeze(-1), g_test)
    print(f"epoch {epoch} loss {loss.item():.4f} test concordance {c:.3f}")
