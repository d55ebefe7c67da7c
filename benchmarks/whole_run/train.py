"""Six trainings of different needs: python train.py KIND --batch 64 --epochs 2."""

import argparse
import time
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

F = nn.functional
EXAMPLES = 12800


class Words(nn.Module):
    """A language model: embedding, a body over the sequence, logits."""

    def __init__(self, body: nn.Module, size: int) -> None:
        super().__init__()
        self.embedding, self.body, self.head = nn.Embedding(500, size), body, nn.Linear(size, 500)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return logits."""
        told = self.body(self.embedding(tokens))
        return self.head(told[0] if isinstance(told, tuple) else told).flatten(0, 1)


class Causal(nn.Module):
    """Two layers of attention that look back only."""

    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(128, 4, 256, batch_first=True)
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return what is made of each place and those before."""
        return self.layers(x, mask=nn.Transformer.generate_square_subsequent_mask(x.shape[1]), is_causal=True)


class Autoencoder(nn.Module):
    """A variational autoencoder of vectors."""

    def __init__(self) -> None:
        super().__init__()
        self.inside, self.outside = nn.Linear(784, 800), nn.Linear(800, 784)
        self.code, self.back = nn.Linear(800, 64), nn.Linear(32, 800)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return what is made of the input, mean and logarithm of the variance."""
        mean, spread = self.code(F.relu(self.inside(x))).chunk(2, dim=-1)
        code = mean + torch.randn_like(mean) * torch.exp(0.5 * spread)
        return self.outside(F.relu(self.back(code))), mean, spread


def images() -> nn.Module:
    """Return a small convolutional network."""
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(),
        nn.MaxPool2d(4), nn.Flatten(), nn.Linear(32 * 64, 10),
    )  # fmt: skip


def made(kind: str) -> tuple[nn.Module, tuple[Tensor, ...]]:
    """Return the model of a kind, and its data."""
    labels, tokens = torch.randint(0, 10, (EXAMPLES,)), torch.randint(0, 500, (EXAMPLES, 33))
    if kind == "mlp":
        return nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 10)), (torch.randn(EXAMPLES, 784), labels)
    if kind == "cnn":
        return images(), (torch.randn(EXAMPLES, 3, 32, 32), labels)
    if kind == "lstm":
        return Words(nn.LSTM(128, 128, batch_first=True), 128), (tokens,)
    if kind == "transformer":
        return Words(Causal(), 128), (tokens,)
    if kind == "vae":
        return Autoencoder(), (torch.rand(EXAMPLES, 784),)
    wide = nn.Sequential(nn.Linear(512, 3072), nn.ReLU(), nn.Linear(3072, 3072), nn.ReLU(), nn.Linear(3072, 10))
    return wide, (torch.randn(EXAMPLES, 512), labels)


def loss_of(model: nn.Module, kind: str, batch: list[Tensor]) -> Tensor:
    """Return the loss of a batch."""
    if kind in ("lstm", "transformer"):
        return F.cross_entropy(model(batch[0][:, :-1]), batch[0][:, 1:].flatten())
    if kind == "vae":
        made_again, mean, spread = model(batch[0])
        distance = -0.5 * (1 + spread - mean**2 - spread.exp()).sum(1).mean()
        return F.binary_cross_entropy_with_logits(made_again, batch[0], reduction="sum") / len(batch[0]) + distance
    return F.cross_entropy(model(batch[0]), batch[1])


def main() -> None:
    """Train, and print the median time of a step."""
    options = argparse.ArgumentParser()
    options.add_argument("kind")
    options.add_argument("--batch", type=int, default=64)
    options.add_argument("--epochs", type=int, default=1)
    options.add_argument("--steps", type=int, default=100)
    wanted = options.parse_args()
    torch.manual_seed(0)
    model, data = made(wanted.kind)
    loader = DataLoader(TensorDataset(*data), batch_size=wanted.batch, shuffle=True)
    adam = wanted.kind not in ("mlp", "cnn")
    optimizer = torch.optim.Adam(model.parameters()) if adam else torch.optim.SGD(model.parameters(), 0.05, 0.9)
    times = []
    for _ in range(wanted.epochs):
        for batch in loader:
            loss = loss_of(model, wanted.kind, batch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            times.append(time.perf_counter())
            if len(times) > wanted.steps:
                break
    gaps = sorted(b - a for a, b in pairwise(times[3:]))
    print(f"step_seconds={gaps[len(gaps) // 2]:.6f}")


if __name__ == "__main__":
    main()
