"""Views that scramble axes and softmaxes over the wrong one, beside those that are right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
import torch.nn.functional as F
from recordkit import record
from torch import nn

from trainadvisor.record.losses.moved_axes import in_graph, of_input, scrambled
from trainadvisor.record.losses.softmax_axes import wrong_softmaxes
from trainadvisor.record.losses.whole_graph import WholeGraph

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[["_Net"], torch.Tensor]

B, T, D, H, C = 6, 5, 8, 2, 4


class _Net:
    """Layers for attention, recurrence and images, and a batch."""

    def __init__(self) -> None:
        torch.manual_seed(3)
        self.x, self.y = torch.randn(B, T, D), torch.zeros(B).long()
        self.same, self.one, self.classes = nn.Linear(D, D), nn.Linear(D, 1), nn.Linear(D, C)
        self.lstm = nn.LSTM(D, D, num_layers=2)

    def heads(self) -> torch.Tensor:
        return self.same(self.x).view(B, T, H, -1).transpose(1, 2)

    def attended(self, dim: int, *, drop: bool = False) -> torch.Tensor:
        q = self.heads()
        weights = F.softmax(q @ q.transpose(2, 3), dim)
        return ((F.dropout(weights, 0.1) if drop else weights) @ q).transpose(1, 2).reshape(B, T, D)

    def pooled(self, dim: int) -> torch.Tensor:
        return (F.softmax(self.one(torch.tanh(self.same(self.x))), dim) * self.same(self.x)).sum(1)

    def asked(self) -> torch.Tensor:
        return self.same(self.x[:, :1]) @ self.x.transpose(1, 2)

    def scores(self) -> torch.Tensor:
        return self.one(self.x).squeeze(2)

    def logits(self) -> torch.Tensor:
        return self.classes(self.x[:, 0])

    def recurrent(self) -> tuple[torch.Tensor, torch.Tensor]:
        out, (hidden, _) = self.lstm(self.x.transpose(0, 1))
        return out, hidden


def _picked(log_p: torch.Tensor) -> torch.Tensor:
    return -log_p.gather(1, torch.zeros(B, 1).long()).squeeze(1).mean()


WRONG: dict[str, tuple[Make, str]] = {
    "heads": (lambda n: n.classes(n.attended(1, drop=True)).mean(), "matrices"),
    "examples": (lambda n: n.classes(n.attended(0)).mean(), "matrices"),
    "scores": (lambda n: torch.bmm(F.softmax(n.one(n.x).squeeze(2), 0).unsqueeze(1), n.same(n.x)).mean(), "matrices"),
    "sums": (lambda n: torch.einsum("bt,btd->bd", F.softmax(n.scores(), 0), n.same(n.x)).mean(), "matrices"),
    "pooling": (lambda n: n.classes(n.pooled(2)).mean(), "single"),
    "pixels": (lambda _: F.softmax(nn.Conv2d(3, C, 1)(torch.randn(B, 3, 4, 5)), -1)[:, 0].mean(), "space"),
    "one-output": (lambda n: F.mse_loss(F.softmax(n.one(n.x[:, 0]), 1), torch.zeros(B, 1)), "single"),
    "one-query": (lambda n: n.classes(F.softmax(n.asked(), 1) @ n.x).mean(), "single"),
    "one-query-sums": (lambda n: torch.einsum("bqk,bkd->bqd", F.softmax(n.asked(), 1), n.x).mean(), "single"),
    "nll": (lambda n: F.nll_loss(F.log_softmax(n.logits(), 0), n.y), "batch"),
    "steps": (lambda n: F.nll_loss(F.log_softmax(n.classes(n.x), 1).flatten(0, 1), torch.zeros(B * T).long()), "steps"),
    "policy": (lambda n: _picked(F.softmax(n.logits(), 0).log()), "batch"),
    "shares": (lambda n: F.mse_loss(F.softmax(n.logits(), 0), torch.zeros(B, C)), "batch"),
}
RIGHT: dict[str, Make] = {
    "heads": lambda n: n.classes(n.attended(-1, drop=True)).mean(),
    "slots": lambda n: n.classes(n.attended(2)).mean(),
    "pixels": lambda _: F.softmax(nn.Conv2d(3, C, 1)(torch.randn(B, 3, 4, 5)), 1)[:, 0].mean(),
    "keypoints": lambda _: F.softmax(nn.Conv2d(3, C, 1)(torch.randn(B, 3, 4, 5)).flatten(2), -1)[:, :, 0].mean(),
    "pooling": lambda n: n.classes(n.pooled(1)).mean(),
    "sums": lambda n: torch.einsum("bt,btd->bd", F.softmax(n.scores(), 1), n.same(n.x)).mean(),
    "time-first": lambda n: torch.einsum("tb,tbd->bd", F.softmax(n.scores().t(), 0), n.x.transpose(0, 1)).mean(),
    "bag": lambda n: n.classes((F.softmax(n.one(n.x[:, 0]), 0) * n.x[:, 0]).sum(0)).mean(),
    "bag-heads": lambda n: n.one((F.softmax(n.logits(), 0).t() @ n.same(n.x[:, 0])).mean(0)).mean(),
    "contrast": lambda n: -F.log_softmax(n.same(n.x[:, 0]) @ n.x[:, 0].t(), 0).diagonal().mean(),
    "one-key": lambda n: n.classes(F.softmax(n.same(n.x) @ n.x[:, :1].transpose(1, 2), -1) @ n.x[:, :1]).mean(),
    "one-query": lambda n: n.classes(F.softmax(n.asked(), -1) @ n.x).mean(),
    "nll": lambda n: F.nll_loss(F.log_softmax(n.logits(), 1), n.y),
    "places": lambda n: F.nll_loss(F.log_softmax(n.classes(n.x), 2).flatten(0, 1), torch.zeros(B * T).long()),
    "classes-second": lambda n: F.nll_loss(F.log_softmax(n.classes(n.x).transpose(1, 2), 1), torch.zeros(B, T).long()),
    "policy": lambda n: _picked(F.log_softmax(n.logits(), 1)),
}
SCRAMBLED: dict[str, Make] = {
    "time-first": lambda n: n.classes(n.recurrent()[0].view(B, T, D)),
    "hidden": lambda n: n.recurrent()[1].view(B, -1),
    "all-times": lambda n: n.recurrent()[0].view(B, -1),
    "channels": lambda n: n.same(n.x).view(B, D, T),
    "back": lambda n: n.same(n.x).transpose(1, 2).reshape(B, T, D),
    "heads": lambda n: F.scaled_dot_product_attention(n.heads(), n.heads(), n.heads()).reshape(B, T, D),
}
ORDERED: dict[str, Make] = {
    "heads": lambda n: n.attended(-1),
    "flat": lambda n: n.same(n.x).view(B, -1),
    "rows": lambda n: n.classes(n.same(n.x).view(B * T, D)).view(B, T, C),
    "transposed": lambda n: n.same(n.x).transpose(1, 2).contiguous(),
    "hidden": lambda n: n.recurrent()[1].transpose(0, 1).reshape(B, -1),
    "directions": lambda n: n.recurrent()[1].view(2, 1, B, D)[:, 0],
    "torch-attention": lambda _: nn.MultiheadAttention(16, 4)(*[nn.Linear(16, 16)(torch.randn(5, 4, 16))] * 3)[0],
    "pixels": lambda _: F.pixel_shuffle(nn.Conv2d(3, 12, 1)(torch.randn(B, 3, 4, 4)), 2),
    "windows": lambda n: n.same(torch.randn(B, 8, 8, D)).view(B, 2, 4, 2, 4, D).transpose(2, 3).reshape(-1, 16, D),
}


def _graph(make: Make) -> WholeGraph:
    return WholeGraph(make(_Net()).sum().grad_fn)


@pytest.mark.parametrize("name", WRONG)
def test_a_softmax_over_no_alternatives_is_found(name: str) -> None:
    """Over the heads, the examples, and a single value."""
    make, over = WRONG[name]
    assert [found["over"] for found in wrong_softmaxes(_graph(make))] == [over]


@pytest.mark.parametrize("name", RIGHT)
def test_other_softmaxes_are_left_alone(name: str) -> None:
    """Attention over keys and queries, bags, contrasts, a single key, classes."""
    assert list(wrong_softmaxes(_graph(RIGHT[name]))) == []


@pytest.mark.parametrize("name", SCRAMBLED)
def test_a_view_in_place_of_a_transposition_is_found(name: str) -> None:
    """Of recurrent states, channels and heads."""
    assert len(list(in_graph(_graph(SCRAMBLED[name])))) == 1


@pytest.mark.parametrize("name", ORDERED)
def test_views_that_keep_the_order_are_left_alone(name: str) -> None:
    """Flattening, splitting into heads, windows and pixels, and transposed tensors."""
    assert list(in_graph(_graph(ORDERED[name]))) == []


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [([6, 32, 4, 8], [6, 32, 32], False), ([6, 9, 3, 3], [6, 9, 9], False), ([2, 3, 4, 3, 4], [2, 12, 12], False),
     ([6, 3, 8, 8], [384, 3], True), ([6, 32, 4, 9], [9, 24, 32], True), ([6, 5, 4, 4], [6, 16, 5], True)],
)  # fmt: skip
def test_axes_joined_with_their_neighbors_keep_their_order(before: list[int], after: list[int], *, told: bool) -> None:
    """As many steps as features, whose heads are put together; and pixels that take the classes' place."""
    assert scrambled(before, after) is told


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [([16, 64, 4, 16], [16, 64, 64], False), ([16, 64, 4, 16], [1024, 64], False), ([8, 16, 4, 4, 4], [128, 64], False),
     ([4, 16, 2, 8], [4, 16, 16], False), ([4, 64, 8, 8], [256, 64], False), ([4, 10, 8, 8], [256, 10], True)],
)  # fmt: skip
def test_a_width_that_is_the_length_is_no_moved_axis(before: list[int], after: list[int], *, told: bool) -> None:
    """Heads joined to a width that equals the number of places, or of channels, keep their order."""
    assert scrambled(before, after) is told


# Sizes that exchanged axes and regrouped ones share; and whether the fourth argument's number of examples decides.
EITHER = {
    "pairs of steps": ([6, 16, 8], [6, 8, 16], None, True),
    "groups to the batch": ([4, 16, 8, 8], [16, 4, 8, 8], None, True),
    "stretches to the batch": ([8, 32, 12], [32, 8, 12], 8, True),
    "time first": ([8, 32, 12], [32, 8, 12], 32, False),
    "colors last": ([6, 96, 96, 3], [6, 3, 96, 96], None, False),
}


@pytest.mark.parametrize(("before", "after", "examples", "regrouped"), EITHER.values(), ids=EITHER)
def test_a_view_that_may_regroup_is_told_so(
    before: list[int], after: list[int], examples: int | None, *, regrouped: bool
) -> None:
    """By the sizes alone, unless examples were on the second axis and are on the first one now."""
    x = torch.zeros(before, requires_grad=True)
    graph = WholeGraph((x * 1).view(after).sum().grad_fn)
    assert [found["regrouped"] for found in in_graph(graph, examples)] == [regrouped]


def test_scores_on_a_wrong_axis_are_certain_and_joined_axes_are_no_fault() -> None:
    """A softmax takes the last axis for classes; as many channels as places may be joined as they are."""
    x = torch.zeros(2, 4, 8, 8, requires_grad=True)
    scores = WholeGraph(F.log_softmax((x * 1).view(-1, 4), -1).sum().grad_fn)
    assert [found["regrouped"] for found in in_graph(scores)] == [False]
    joined = WholeGraph((torch.zeros(2, 16, 4, 4, requires_grad=True) * 1).view(2, 16, 16).sum().grad_fn)
    assert list(in_graph(joined)) == []


IMAGES, SERIES = torch.rand(40, 8, 8, 3), torch.rand(40, 7, 5)


@pytest.mark.parametrize(
    "tensor",
    [IMAGES[:6].view(6, 3, 8, 8), IMAGES.reshape(40, 3, 8, 8), IMAGES[torch.arange(6)].view(-1, 3, 8, 8),
     IMAGES.view(40, 3, 8, 8)[:6], SERIES[:6].view(6, 5, 7)],
)  # fmt: skip
def test_an_input_that_is_a_scrambling_view_is_found(tensor: torch.Tensor) -> None:
    """Of a batch, of the whole data, and of a batch of viewed data."""
    found = of_input(tensor)
    assert found is not None
    assert found["shape"] == list(tensor.shape)


@pytest.mark.parametrize(
    "tensor",
    [IMAGES[:6].permute(0, 3, 1, 2), IMAGES[:6].permute(0, 3, 1, 2).contiguous(), IMAGES[:6].view(6, -1), IMAGES[:6],
     torch.rand(40, 784)[:6].view(-1, 1, 28, 28), torch.rand(9, 8, 8)[3:9].unsqueeze(1), torch.rand(420).view(6, 7, 10),
     torch.rand(12, 64)[:6].view(6, 8, 8), SERIES[:6].reshape(30, 7)],
)  # fmt: skip
def test_other_inputs_are_left_alone(tensor: torch.Tensor) -> None:
    """Permuted, flattened, split and sliced data."""
    assert of_input(tensor) is None


class _Images(nn.Module):
    def __init__(self, *, view: bool) -> None:
        super().__init__()
        self.view, self.conv, self.head = view, nn.Conv2d(3, 4, 3), nn.Linear(4, C)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.view(-1, 3, 8, 8) if self.view else x.permute(0, 3, 1, 2)
        return self.head(self.conv(x).mean((2, 3)))


def _events(model: nn.Module, kind: str) -> list[dict[str, Any]]:
    def train() -> object:
        optimizer = torch.optim.SGD(model.parameters(), 0.01)
        for _ in range(3):
            optimizer.zero_grad()
            F.cross_entropy(model(torch.rand(B, 8, 8, 3)), torch.zeros(B).long()).backward()
            optimizer.step()
        return optimizer

    return record(train).events(kind)


def test_images_viewed_inside_of_the_model_are_told_once() -> None:
    """The first convolution got a view of the batch with exchanged sizes."""
    told = _events(_Images(view=True), "moved-axes")
    assert told == [{"viewed": [B, 8, 8, 3], "shape": [B, 3, 8, 8], "of": "input", "regrouped": False}]


def test_permuted_images_tell_nothing() -> None:
    """The same model with permute is quiet."""
    assert _events(_Images(view=False), "moved-axes") == []


def test_channels_of_a_convolution_were_the_last_axis() -> None:
    """Whole stretches of times may become features, but not what a convolution takes for the channels there were."""
    series = torch.randn(B, 12, 3)
    swapped, folded = series.view(B, 3, 12), series.view(B, 4, 9)
    assert [found and found["regrouped"] for found in (of_input(swapped), of_input(swapped, convolved=True))] == [
        True,
        False,
    ]
    assert of_input(folded, convolved=True) is None
    assert of_input(series.transpose(1, 2), convolved=True) is None


@pytest.mark.parametrize(("view", "told"), [(True, 1), (False, 0)])
def test_series_viewed_before_a_recurrent_layer_are_told(told: int, *, view: bool) -> None:
    """Channels and times that a view has exchanged, and a transposition."""

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm, self.head = nn.LSTM(3, 4, batch_first=True), nn.Linear(4, C)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = x[:, 0].transpose(1, 2).contiguous().detach()
            series = x.view(B, 8, 3) if view else x.transpose(1, 2)
            return self.head(self.lstm(series)[0][:, -1])

    assert len(_events(Net(), "moved-axes")) == told
