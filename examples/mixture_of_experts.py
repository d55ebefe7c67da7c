"""Eight experts share a task of eight parts: a penalty keeps the router from sending everything to one.

python examples/mixture_of_experts.py                          a sound training
python examples/mixture_of_experts.py --break router-collapse  the same training with a typical mistake
"""

import argparse

import torch
from torch import nn
from torch.nn import functional as F

import trainadvisor

BREAKS = ["missing-zero-grad", "router-collapse"]
EXPERTS, WIDTH, OUTPUTS = 8, 16, 4

parser = argparse.ArgumentParser(description="a mixture of experts with one expert an example")
parser.add_argument("--break", dest="broken", choices=BREAKS, help="train with this mistake")
args = parser.parse_args()


class Mixture(nn.Module):
    """Each example goes to the expert that the router likes best."""

    def __init__(self) -> None:
        super().__init__()
        self.router = nn.Linear(WIDTH, EXPERTS, bias=False)
        self.experts = nn.ModuleList(
            [nn.Sequential(nn.Linear(WIDTH, 24), nn.GELU(), nn.Linear(24, OUTPUTS)) for _ in range(EXPERTS)]
        )

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The answers of the chosen experts, and the penalty on uneven loads."""
        shares = self.router(x).softmax(-1)
        gate, chosen = shares.max(-1)
        answer = torch.zeros(len(x), OUTPUTS)
        for number, expert in enumerate(self.experts):
            rows = (chosen == number).nonzero().squeeze(1)
            if len(rows):
                answer = answer.index_add(0, rows, gate[rows, None] * expert(x[rows]))
        load = F.one_hot(chosen, EXPERTS).float().mean(0)
        return answer, EXPERTS * (load * shares.mean(0)).sum()


def task(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Points around eight centers, each with a linear map of its own; an offset that all share pulls at the router."""
    part = torch.randint(EXPERTS, (count,))
    x = CENTERS[part] + torch.randn(count, WIDTH)
    return x / 3 + 1.5, torch.einsum("nd,ndo->no", x - CENTERS[part], MAPS[part]) / WIDTH**0.5


torch.manual_seed(0)
CENTERS, MAPS = 3 * torch.randn(EXPERTS, WIDTH), torch.randn(EXPERTS, WIDTH, OUTPUTS)
train, validation = task(4096), task(1024)
model = Mixture()
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
advisor = trainadvisor.watch(model, optimizer, log="log.json")

for epoch in range(12):
    model.train()
    for rows in torch.randperm(4096).split(128):
        if args.broken != "missing-zero-grad":
            optimizer.zero_grad()
        answer, uneven = model(train[0][rows])
        loss = F.mse_loss(answer, train[1][rows])
        whole = loss if args.broken == "router-collapse" else loss + 0.05 * uneven
        whole.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        held_out = F.mse_loss(model(validation[0])[0], validation[1]).item()
    print(f"epoch {epoch + 1}: training loss {loss.item():.3f}, validation loss {held_out:.3f}")
print("next: trainadvisor diagnose log.json")
