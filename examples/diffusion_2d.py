"""A small network learns to denoise points on eight spots: the mean loss soon stays flat, as it should.

python examples/diffusion_2d.py                             a sound training
python examples/diffusion_2d.py --break timestep-not-given  the same training with a typical mistake
"""

import argparse
import math

import torch
from torch import nn
from torch.nn import functional as F

import trainadvisor

BREAKS = ["lr-too-high", "timestep-not-given"]
STEPS = 100

parser = argparse.ArgumentParser(description="denoising diffusion of points in the plane")
parser.add_argument("--break", dest="broken", choices=BREAKS, help="train with this mistake")
args = parser.parse_args()


class Denoiser(nn.Module):
    """Foretells the noise in points at a timestep."""

    def __init__(self, width: int = 128) -> None:
        super().__init__()
        self.register_buffer("waves", torch.exp(-math.log(1000.0) * torch.arange(16) / 16))
        self.body = nn.Sequential(
            nn.Linear(2 + 32, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 2)
        )

    def forward(self, points: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
        """The noise in each point."""
        angles = timesteps[:, None] * self.waves
        return self.body(torch.cat([points, angles.sin(), angles.cos()], -1))


def spots(count: int) -> torch.Tensor:
    """Points near one of eight spots on a circle."""
    angle = torch.randint(0, 8, (count,)) * (math.pi / 4)
    return torch.stack([angle.cos(), angle.sin()], 1) + 0.05 * torch.randn(count, 2)


def denoising_loss(model: nn.Module, clean: torch.Tensor) -> torch.Tensor:
    """Squared error of the noise that the model sees in noisy points."""
    timesteps = torch.randint(0, STEPS, (len(clean),))
    kept = KEPT[timesteps, None]
    noise = torch.randn_like(clean)
    noisy = kept.sqrt() * clean + (1 - kept).sqrt() * noise
    told = torch.zeros_like(timesteps) if args.broken == "timestep-not-given" else timesteps
    return F.mse_loss(model(noisy, told.float()), noise)


torch.manual_seed(0)
KEPT = torch.cumprod(1 - torch.linspace(1e-3, 0.1, STEPS), 0)
train, validation = spots(4096), spots(1024)
model = Denoiser()
optimizer = torch.optim.Adam(model.parameters(), lr=1.0 if args.broken == "lr-too-high" else 2e-3)
advisor = trainadvisor.watch(model, optimizer, log="log.json")

for epoch in range(10):
    model.train()
    for rows in torch.randperm(4096).split(128):
        optimizer.zero_grad()
        loss = denoising_loss(model, train[rows])
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        held_out = denoising_loss(model, validation).item()
    print(f"epoch {epoch + 1}: training loss {loss.item():.3f}, validation loss {held_out:.3f}")
print("next: trainadvisor diagnose log.json")
