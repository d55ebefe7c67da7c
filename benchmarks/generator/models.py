"""Networks of the generated trainings, written as users write them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

if TYPE_CHECKING:
    from tasks import Task

ACTIVATIONS = {
    "relu": nn.ReLU, "tanh": nn.Tanh, "gelu": nn.GELU, "sigmoid": nn.Sigmoid, "leaky": nn.LeakyReLU,
    "silu": nn.SiLU, "elu": nn.ELU, "identity": nn.Identity,
}  # fmt: skip
CELLS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
Spec = dict[str, Any]


def mlp(spec: Spec, inputs: int, outputs: int) -> nn.Sequential:
    """Fully connected layers; without hidden layers, this is linear or logistic regression."""
    layers: list[nn.Module] = [nn.Flatten()]
    for _ in range(spec["depth"]):
        layers.append(nn.Linear(inputs, spec["width"]))
        if spec["norm"]:
            layers.append(nn.BatchNorm1d(spec["width"]))
        layers.append(ACTIVATIONS[spec["act"]]())
        if spec["dropout"]:
            layers.append(nn.Dropout(spec["dropout"]))
        inputs = spec["width"]
    return nn.Sequential(*layers, nn.Linear(inputs, outputs))


class ConvNet(nn.Module):
    """Convolutions, pooling, a linear head."""

    def __init__(self, spec: Spec, channels: int, outputs: int) -> None:
        super().__init__()
        blocks: list[nn.Module] = []
        for i in range(max(spec["depth"], 1)):
            width = spec["width"] // 2 * (1 + i)
            blocks.append(nn.Conv2d(channels, width, 3, padding=1))
            if spec["norm"]:
                blocks.append(nn.BatchNorm2d(width))
            blocks.append(ACTIVATIONS[spec["act"]]())
            if i < 2:
                blocks.append(nn.MaxPool2d(2))
            channels = width
        self.features = nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(2))
        self.dropout = nn.Dropout(spec["dropout"])
        self.fc = nn.Linear(4 * channels, outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Classify pictures."""
        return self.fc(self.dropout(torch.flatten(self.features(x), 1)))


class Block(nn.Module):
    """Two convolutions with a shortcut."""

    def __init__(self, width: int, act: str) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        self.act = ACTIVATIONS[act]()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Add the change to the shortcut."""
        return self.act(x + self.bn2(self.conv2(self.act(self.bn1(self.conv1(x))))))


class ResNet(nn.Module):
    """A stem, residual blocks, mean pooling, a head."""

    def __init__(self, spec: Spec, channels: int, outputs: int) -> None:
        super().__init__()
        width = spec["width"] // 2
        self.stem = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(2)
        )
        self.blocks = nn.Sequential(*[Block(width, spec["act"]) for _ in range(max(spec["depth"], 1))])
        self.fc = nn.Linear(width, outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Classify pictures."""
        return self.fc(self.blocks(self.stem(x)).mean((2, 3)))


class Recurrent(nn.Module):
    """RNN, LSTM or GRU over words or numbers; `every` gives an output at each position (language models)."""

    def __init__(self, spec: Spec, task: Task, cell: str) -> None:
        super().__init__()
        self.every = task.kind == "tokens"
        width = spec["width"]
        self.embed = nn.Embedding(task.vocabulary, 24) if task.vocabulary else None
        size = 24 if task.vocabulary else task.x.shape[-1]
        self.rnn = CELLS[cell](size, width, num_layers=max(1, min(spec["depth"], 2)), batch_first=True)
        self.drop = nn.Dropout(spec["dropout"])
        self.head = nn.Linear(width, task.outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Read the sequence."""
        out, _ = self.rnn(self.embed(x) if self.embed is not None else x)
        return self.head(self.drop(out if self.every else out[:, -1]))


class Transformer(nn.Module):
    """Encoder layers over words or numbers; causal if each position is predicted."""

    def __init__(self, spec: Spec, task: Task) -> None:
        super().__init__()
        width, length = spec["width"], task.x.shape[1]
        self.every = task.kind == "tokens"
        self.embed = nn.Embedding(task.vocabulary, width) if task.vocabulary else nn.Linear(task.x.shape[-1], width)
        self.place = nn.Parameter(0.02 * torch.randn(length, width))
        layer = nn.TransformerEncoderLayer(
            width, 4, 2 * width, spec["dropout"], "gelu", batch_first=True, norm_first=spec.get("pre_norm", True)
        )
        self.layers = nn.TransformerEncoder(layer, max(spec["depth"], 1), enable_nested_tensor=False)
        self.head = nn.Linear(width, task.outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Read the sequence."""
        mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1]) if self.every else None
        h = self.layers(self.embed(x) + self.place, mask=mask, is_causal=self.every)
        return self.head(h if self.every else h.mean(1))


class Conv1d(nn.Module):
    """Convolutions along a sequence of numbers."""

    def __init__(self, spec: Spec, task: Task) -> None:
        super().__init__()
        act, width = ACTIVATIONS[spec["act"]], spec["width"]
        self.net = nn.Sequential(nn.Conv1d(task.x.shape[-1], width, 5), act(), nn.Conv1d(width, width, 5), act())
        self.head = nn.Linear(width, task.outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Read the sequence."""
        return self.head(self.net(x.transpose(1, 2)).amax(2))


class Factors(nn.Module):
    """A recommender: users and items as vectors, with biases."""

    def __init__(self, spec: Spec, task: Task) -> None:
        super().__init__()
        rank = max(spec["width"] // 8, 2)
        self.people, self.things = nn.Embedding(task.vocabulary, rank), nn.Embedding(task.vocabulary, rank)
        self.bias_p, self.bias_t = nn.Embedding(task.vocabulary, 1), nn.Embedding(task.vocabulary, 1)
        nn.init.normal_(self.people.weight, 0, 0.1)
        nn.init.normal_(self.things.weight, 0, 0.1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Predict ratings."""
        p, t = x[:, 0], x[:, 1]
        both = (self.people(p) * self.things(t)).sum(1, keepdim=True)
        return both + self.bias_p(p) + self.bias_t(t)


class AutoEncoder(nn.Module):
    """A narrow middle between two MLPs."""

    def __init__(self, spec: Spec, task: Task) -> None:
        super().__init__()
        size, width, act = task.outputs, spec["width"], ACTIVATIONS[spec["act"]]
        self.shape = task.x.shape[1:]
        self.encoder = nn.Sequential(nn.Flatten(), nn.Linear(size, width), act(), nn.Linear(width, 10))
        last = [nn.Sigmoid()] if spec.get("sigmoid_out") else []
        self.decoder = nn.Sequential(nn.Linear(10, width), act(), nn.Linear(width, size), *last)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Rebuild the input."""
        return self.decoder(self.encoder(x)).view(-1, *self.shape)


def build(spec: Spec, task: Task) -> nn.Module:
    """Make the network of a specification."""
    arch = spec["arch"]
    if arch in CELLS:
        return Recurrent(spec, task, arch)
    if arch in ("cnn", "resnet"):
        return (ConvNet if arch == "cnn" else ResNet)(spec, task.x.shape[1], task.outputs)
    makers = {"transformer": Transformer, "conv1d": Conv1d, "factors": Factors, "autoencoder": AutoEncoder}
    if arch in makers:
        return makers[arch](spec, task)
    return mlp(spec, task.x[0].numel(), task.outputs)
