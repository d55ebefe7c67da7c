"""The trainings whose steps are timed: a model, its loss, an optimizer and precomputed batches."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
import vision
from gpt import GPT
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Callable

Batch = tuple[torch.Tensor, torch.Tensor]
_BATCHES = 8


@dataclass
class Training:
    """A training that can take steps; nothing but the step itself is in `step`."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    batches: list[Batch]
    autocast: Callable[[], AbstractContextManager[object]] = nullcontext
    loss_of: Callable[[torch.Tensor, torch.Tensor], torch.Tensor] = F.cross_entropy
    # What the loop calls instead of the model itself: the compiled one.
    called: nn.Module | None = None
    # Called with the loss after each step, if a tool asks for it.
    after: list[Callable[[torch.Tensor, int], None]] = field(default_factory=list)
    taken: int = 0

    def step(self) -> None:
        """Take one step."""
        inputs, targets = self.batches[self.taken % len(self.batches)]
        self.optimizer.zero_grad()
        with self.autocast():
            loss = self.loss_of((self.called or self.model)(inputs), targets)
        loss.backward()
        self.optimizer.step()
        self.taken += 1
        for call in self.after:
            call(loss, self.taken)


def _classes(shape: tuple[int, ...], classes: int, device: str) -> list[Batch]:
    return [
        (torch.randn(*shape, device=device), torch.randint(classes, shape[:1], device=device)) for _ in range(_BATCHES)
    ]


def _words(batch: int, length: int, vocabulary: int, device: str) -> list[Batch]:
    lines = [torch.randint(vocabulary, (batch, length + 1), device=device) for _ in range(_BATCHES)]
    return [(line[:, :-1], line[:, 1:]) for line in lines]


def _sgd(model: nn.Module, batches: list[Batch]) -> Training:
    return Training(model, torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9), batches)


def mlp(device: str) -> Training:
    """784-500-10 on batches of 64: a step of 2 to 3 ms on a CPU, dominated by fixed costs."""
    model = nn.Sequential(nn.Linear(784, 500), nn.ReLU(), nn.Linear(500, 10)).to(device)
    return _sgd(model, _classes((64, 784), 10, device))


def resnet(device: str) -> Training:
    """Make a residual net of 29 parameters and 32 small images."""
    return _sgd(vision.small_resnet().to(device), _classes((32, 3, 32, 32), 10, device))


def gpt(device: str) -> Training:
    """Four layers of width 128 on 8 lines of 64 words."""
    model = GPT(vocabulary=256, length=64, width=128, layers=4, heads=4).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    return Training(model, optimizer, _words(8, 64, 256, device), loss_of=_language_loss)


def thin(device: str) -> Training:
    """200 layers of width 16: 400 small parameters, nearly all of the step is Python and dispatch."""
    layers = [part for _ in range(199) for part in (nn.Linear(16, 16), nn.ReLU())]
    return _sgd(nn.Sequential(*layers, nn.Linear(16, 10)).to(device), _classes((64, 16), 10, device))


def resnet50(device: str) -> Training:
    """ResNet-50 on 64 images of 224 x 224."""
    return _sgd(vision.resnet50().to(device), _classes((64, 3, 224, 224), 1000, device))


def vit(device: str) -> Training:
    """ViT-B/16 on 64 images of 224 x 224."""
    model = vision.ViT().to(device)
    return Training(model, torch.optim.AdamW(model.parameters(), lr=3e-4), _classes((64, 3, 224, 224), 1000, device))


def gpt2(device: str) -> Training:
    """GPT-2 small on 8 lines of 1,024 words."""
    model = GPT(vocabulary=50257, length=1024, width=768, layers=12, heads=12).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4, fused=device == "cuda")
    return Training(model, optimizer, _words(8, 1024, 50257, device), loss_of=_language_loss)


def in_bfloat16(make: Callable[[str], Training]) -> Callable[[str], Training]:
    """Return the training under autocast to bfloat16."""

    def made(device: str) -> Training:
        training = make(device)
        training.autocast = lambda: torch.autocast(device, dtype=torch.bfloat16)
        return training

    return made


def compiled(make: Callable[[str], Training]) -> Callable[[str], Training]:
    """Return the training with a compiled model."""

    def made(device: str) -> Training:
        training = make(device)
        training.called = torch.compile(training.model)
        return training

    return made


def _language_loss(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


ON_CPU: dict[str, Callable[[str], Training]] = {
    "784-500-10 MLP, batch 64": mlp,
    "small ResNet, batch 32": resnet,
    "4-layer GPT, 8 x 64": gpt,
    "200-layer thin MLP": thin,
}
ON_CUDA: dict[str, Callable[[str], Training]] = {
    "ResNet-50, batch 64": resnet50,
    "ViT-B/16, batch 64": vit,
    "GPT-2 small, 8 x 1024": gpt2,
    "ResNet-50, bfloat16": in_bfloat16(resnet50),
    "ViT-B/16, bfloat16": in_bfloat16(vit),
    "GPT-2 small, bfloat16": in_bfloat16(gpt2),
    "ResNet-50, compiled": compiled(resnet50),
    "ViT-B/16, compiled": compiled(vit),
    "GPT-2 small, compiled": compiled(gpt2),
    "784-500-10 MLP, batch 64": mlp,
}
