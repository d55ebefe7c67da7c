"""Pretrain a classifier, load it into a LoRA model with strict=False and adapt it to a shifted task."""

import os
import tempfile

import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(1)
torch.set_num_threads(1)


class LoRALinear(nn.Module):
    def __init__(self, d_in, d_out, r=4, alpha=8):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(d_out, d_in))
        self.bias = nn.Parameter(torch.zeros(d_out))
        nn.init.kaiming_uniform_(self.weight, a=5**0.5)
        self.lora_A = nn.Parameter(torch.randn(r, d_in) / d_in**0.5)
        self.lora_B = nn.Parameter(torch.zeros(d_out, r))
        self.scale = alpha / r

    def forward(self, x):
        return nn.functional.linear(x, self.weight, self.bias) + x @ self.lora_A.T @ self.lora_B.T * self.scale


def network(linear):
    return nn.Sequential(linear(64, 96), nn.ReLU(), linear(96, 96), nn.ReLU(), linear(96, 10))


def fit(model, params, x, y, epochs, lr):
    opt = torch.optim.AdamW(params, lr=lr)
    for _ in range(epochs):
        model.train()
        for idx in torch.randperm(len(x)).split(64):
            loss = nn.functional.cross_entropy(model(x[idx]), y[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
    return loss.item()


@torch.no_grad()
def acc(model, x, y):
    model.eval()
    return (model(x).argmax(1) == y).float().mean().item()


digits = load_digits()
x, y = torch.tensor(digits.data / 16, dtype=torch.float32), torch.tensor(digits.target)
flipped = torch.tensor(digits.images[:, :, ::-1].copy() / 16, dtype=torch.float32).flatten(1)
perm = torch.randperm(len(x))
tr, te = perm[:1300], perm[1300:]

base = network(nn.Linear)
print(
    "pretrain loss",
    round(fit(base, base.parameters(), x[tr], y[tr], 15, 2e-3), 4),
    "acc",
    round(acc(base, x[te], y[te]), 3),
)
path = os.path.join(tempfile.mkdtemp(), "base.pt")
torch.save(base.state_dict(), path)

model = network(LoRALinear)
missing, unexpected = model.load_state_dict(torch.load(path), strict=False)
assert not unexpected
assert all("lora_" in name for name in missing)
for name, p in model.named_parameters():
    p.requires_grad = "lora_" in name
print("before adapting: mirrored", round(acc(model, flipped[te], y[te]), 3))
loss = fit(model, [p for p in model.parameters() if p.requires_grad], flipped[tr], y[tr], 20, 5e-3)
print("adapted loss", round(loss, 4), "mirrored acc", round(acc(model, flipped[te], y[te]), 3))
