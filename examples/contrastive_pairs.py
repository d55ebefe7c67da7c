"""Two views of the same thing are brought together, those of others apart: the loss begins at ln(batch).

python examples/contrastive_pairs.py                            a sound training
python examples/contrastive_pairs.py --break missing-zero-grad  the same training with a typical mistake
"""

import argparse

import torch
from torch import nn
from torch.nn import functional as F

import trainadvisor

BREAKS = ["frozen-parameters", "missing-zero-grad"]
THINGS, HIDDEN, SEEN, BATCH = 2048, 6, 32, 64

parser = argparse.ArgumentParser(description="contrastive learning of pairs of views")
parser.add_argument("--break", dest="broken", choices=BREAKS, help="train with this mistake")
args = parser.parse_args()


class Encoder(nn.Module):
    """Embeds a view on the unit sphere."""

    def __init__(self, width: int = 128) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(SEEN, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 16)
        )

    def forward(self, view: torch.Tensor) -> torch.Tensor:
        """The embedding of each view, of length 1."""
        return F.normalize(self.body(view), dim=-1)


class Pairs(nn.Module):
    """One encoder for each kind of view."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = Encoder(), Encoder()

    def forward(self, one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        """Likeness of each first view with each second view, over the temperature."""
        return self.first(one) @ self.second(other).T / 0.1


def views(things: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Two noisy views of hidden things."""
    return tuple(torch.tanh(things @ how) + 0.05 * torch.randn(len(things), SEEN) for how in HOW)


torch.manual_seed(0)
HOW = torch.randn(2, HIDDEN, SEEN) / HIDDEN**0.5
train, validation = views(torch.randn(THINGS, HIDDEN)), views(torch.randn(256, HIDDEN))
model = Pairs()
trained = model.second.body[-1].parameters() if args.broken == "frozen-parameters" else model.parameters()
optimizer = torch.optim.Adam(trained, lr=1e-3)
advisor = trainadvisor.watch(model, optimizer, log="log.json")
OWN = torch.arange(256)

for epoch in range(8):
    model.train()
    for rows in torch.randperm(THINGS).split(BATCH):
        if args.broken != "missing-zero-grad":
            optimizer.zero_grad()
        loss = F.cross_entropy(model(train[0][rows], train[1][rows]), OWN[: len(rows)])
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        held_out = F.cross_entropy(model(*validation), OWN).item()
    print(f"epoch {epoch + 1}: training loss {loss.item():.3f}, validation loss {held_out:.3f}")
print("next: trainadvisor diagnose log.json")
