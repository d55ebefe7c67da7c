"""Switch layer with four experts on a mixture of four kinds of curves."""

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(21)
torch.set_num_threads(1)


class SwitchFFN(nn.Module):
    def __init__(self, d, d_ff, n_experts):
        super().__init__()
        self.router = nn.Linear(d, n_experts)
        nn.init.normal_(self.router.weight, std=0.01)
        nn.init.zeros_(self.router.bias)
        self.router.bias.data[0] = 8.0  # the first expert is the old dense layer
        self.experts = nn.ModuleList(
            nn.Sequential(nn.Linear(d, d_ff), nn.GELU(), nn.Linear(d_ff, d)) for _ in range(n_experts)
        )

    def forward(self, x):
        gate = F.softmax(self.router(x), dim=-1)
        value, index = gate.max(dim=-1)
        out = torch.zeros_like(x)
        for i, expert in enumerate(self.experts):
            mask = index == i
            if mask.any():
                out[mask] = value[mask].unsqueeze(-1) * expert(x[mask])
        return out


class CurveModel(nn.Module):
    def __init__(self, d=16):
        super().__init__()
        self.inp, self.norm = nn.Linear(6, d), nn.LayerNorm(d)
        self.moe = SwitchFFN(d, 12, 4)
        self.out = nn.Linear(d, 1)

    def forward(self, x):
        h = self.inp(x)
        return self.out(h + self.moe(self.norm(h))).squeeze(-1)


def generator(batch):
    while True:
        kind = torch.randint(0, 4, (batch,))
        u = torch.rand(batch, 2) * 2 - 1
        curves = torch.stack(
            [
                torch.sin(4 * u[:, 0]),
                u[:, 0] * u[:, 1] * 2,
                (3 * u[:, 1]).tanh() - u[:, 0].abs(),
                torch.cos(5 * u[:, 1]),
            ],
            1,
        )
        yield torch.cat([u, F.one_hot(kind, 4).float()], 1), curves.gather(1, kind[:, None]).squeeze(1)


model = CurveModel()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
data, average = generator(128), None
for step in range(1, 801):
    x, y = next(data)
    loss = F.mse_loss(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    average = loss.item() if average is None else 0.98 * average + 0.02 * loss.item()
    if step % 200 == 0:
        model.eval()
        with torch.no_grad():
            x, y = next(data)
            error = F.mse_loss(model(x), y).item()
        model.train()
        print(f"step {step} running loss {average:.4f} test error {error:.4f}")
