"""Graph convolution on one graph: all nodes go in together, masks part training from validation nodes."""

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(2)
torch.set_num_threads(1)

N, K = 400, 4
labels = torch.arange(N) % K
prob = torch.where(labels[:, None] == labels[None, :], 0.05, 0.005)
upper = torch.bernoulli(prob).triu(1)
adj = upper + upper.t() + torch.eye(N)
norm = adj.sum(1).rsqrt()
adj = norm[:, None] * adj * norm[None, :]
features = F.one_hot(labels, K).float() @ torch.randn(K, 32) * 0.6 + torch.randn(N, 32)
perm = torch.randperm(N)
train_mask, val_mask = torch.zeros(N, dtype=torch.bool), torch.zeros(N, dtype=torch.bool)
train_mask[perm[:120]] = True
val_mask[perm[120:]] = True


class GCN(nn.Module):
    def __init__(self, d_in, d_hidden, d_out):
        super().__init__()
        self.w1, self.w2 = nn.Linear(d_in, d_hidden), nn.Linear(d_hidden, d_out)

    def forward(self, x, a):
        h = F.relu(a @ self.w1(x))
        h = F.dropout(h, 0.4, self.training)
        return a @ self.w2(h)


model = GCN(32, 32, K)
opt = torch.optim.Adam(model.parameters(), lr=5e-3, weight_decay=5e-4)
for epoch in range(1, 151):
    model.train()
    out = model(features, adj)
    loss = F.cross_entropy(out[train_mask], labels[train_mask])
    opt.zero_grad()
    loss.backward()
    opt.step()
    if epoch % 30 == 0:
        model.eval()
        with torch.no_grad():
            pred = model(features, adj).argmax(1)
        acc = [(pred[m] == labels[m]).float().mean().item() for m in (train_mask, val_mask)]
        print(f"epoch {epoch} loss {loss.item():.3f} train acc {acc[0]:.3f} val acc {acc[1]:.3f}")
