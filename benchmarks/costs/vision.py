"""Image classifiers in plain torch: residual nets and a vision transformer."""

from __future__ import annotations

import torch
from gpt import Block
from torch import nn


class _Bottleneck(nn.Module):
    """Three convolutions, the first and last of size one, beside a residual connection."""

    def __init__(self, inputs: int, narrow: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.path = nn.Sequential(
            *_convolution(inputs, narrow, 1), nn.ReLU(inplace=True),
            *_convolution(narrow, narrow, 3, stride), nn.ReLU(inplace=True),
            *_convolution(narrow, outputs, 1),
        )  # fmt: skip
        same = inputs == outputs and stride == 1
        self.shortcut = nn.Identity() if same else nn.Sequential(*_convolution(inputs, outputs, 1, stride))
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Add the path to its input."""
        return self.relu(self.path(x) + self.shortcut(x))


class _Basic(nn.Module):
    """Two convolutions beside a residual connection."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.path = nn.Sequential(
            *_convolution(inputs, outputs, 3, stride), nn.ReLU(), *_convolution(outputs, outputs, 3)
        )
        same = inputs == outputs and stride == 1
        self.shortcut = nn.Identity() if same else nn.Sequential(*_convolution(inputs, outputs, 1, stride))
        self.relu = nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Add the path to its input."""
        return self.relu(self.path(x) + self.shortcut(x))


def _convolution(inputs: int, outputs: int, size: int, stride: int = 1) -> tuple[nn.Module, nn.Module]:
    convolution = nn.Conv2d(inputs, outputs, size, stride, padding=size // 2, bias=False)
    return convolution, nn.BatchNorm2d(outputs)


def small_resnet() -> nn.Module:
    """Return a residual net of four blocks for images of 32 x 32."""
    blocks = [_Basic(16, 16, 1), _Basic(16, 32, 2), _Basic(32, 64, 2), _Basic(64, 64, 1)]
    return nn.Sequential(
        *_convolution(3, 16, 3), nn.ReLU(), *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10)
    )


def resnet50() -> nn.Module:
    """Return ResNet-50 (stride in the 3 x 3 convolution)."""
    blocks, inputs = [], 64
    for narrow, count, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for index in range(count):
            blocks.append(_Bottleneck(inputs, narrow, 4 * narrow, stride if index == 0 else 1))
            inputs = 4 * narrow
    stem = (*_convolution(3, 64, 7, 2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1))
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2048, 1000))


class ViT(nn.Module):
    """ViT-B/16."""

    def __init__(self, width: int = 768, layers: int = 12, heads: int = 12, classes: int = 1000) -> None:
        """Make a model for images of 224 x 224."""
        super().__init__()
        self.patches = nn.Conv2d(3, width, 16, 16)
        self.token = nn.Parameter(torch.zeros(1, 1, width))
        self.places = nn.Parameter(0.02 * torch.randn(1, 197, width))
        self.blocks = nn.Sequential(*(Block(width, heads, causal=False) for _ in range(layers)))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the logits."""
        found = self.patches(images).flatten(2).transpose(1, 2)
        found = torch.cat([self.token.expand(len(found), -1, -1), found], 1) + self.places
        return self.head(self.norm(self.blocks(found))[:, 0])
