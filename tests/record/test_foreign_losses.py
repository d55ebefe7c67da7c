"""Losses that a framework writes itself are told like torch's, by what they compute."""

import sys
import types

import pytest
import torch
import torch.nn.functional as F
from recordkit import record
from torch import nn

X, Y = torch.randn(12, 4), torch.arange(12) % 3


class Loss:
    """Stands in for the losses of Keras: operations on examples, and a mean of them."""

    def __init__(self, fn, reduction="sum_over_batch_size", **settings):
        self.fn, self.reduction, self._fn_kwargs = fn, reduction, settings

    def __call__(self, y_true, y_pred, sample_weight=None):
        values = self.fn(y_true, y_pred, **self._fn_kwargs)
        if sample_weight is not None:
            values = values * sample_weight
        return torch.where(torch.zeros((), dtype=torch.bool), 0.0, values.sum() / len(values))


def sparse_categorical_crossentropy(y_true, y_pred, *, from_logits=False, ignore_class=None):
    """Return the loss of each example."""
    if from_logits:
        return F.cross_entropy(y_pred, y_true, reduction="none")
    return F.nll_loss(torch.log((y_pred / y_pred.sum(1, keepdim=True)).clip(1e-7, 1)), y_true, reduction="none")


def binary_crossentropy(y_true, y_pred, *, from_logits=False, label_smoothing=0.0):
    """Return the loss of each example."""
    loss = F.binary_cross_entropy_with_logits if from_logits else F.binary_cross_entropy
    return loss(y_pred if from_logits else y_pred.clip(1e-7, 1 - 1e-7), y_true, reduction="none").mean(-1)


def mean_squared_error(y_true, y_pred):
    """Return the loss of each example."""
    return ((y_pred - y_true) ** 2).mean(-1)


for function in (sparse_categorical_crossentropy, binary_crossentropy, mean_squared_error):
    function.__module__ = "keras.src.losses.losses"


@pytest.fixture
def keras(monkeypatch):
    """Have Keras's losses imported."""
    module = types.ModuleType("keras.src.losses.loss")
    module.Loss = type("Loss", (Loss,), {"__call__": types.FunctionType(Loss.__call__.__code__, globals())})
    module.Loss.__call__.__defaults__ = (None,)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module.Loss


def trained(loss, target, *, outputs=3, end=None, weight=None):
    """Return the facts of the losses of ten steps on this loss, and the records."""

    def train():
        model = nn.Sequential(nn.Linear(4, outputs), *([end] if end else []))
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for _ in range(10):
            optimizer.zero_grad()
            sum([loss(target, model(X), *([] if weight is None else [weight]))]).backward()
            optimizer.step()
        return model, optimizer

    records = record(train)
    return records.facts("loss"), records


@pytest.mark.parametrize(
    ("function", "settings", "end", "kind", "probabilities"),
    [
        (sparse_categorical_crossentropy, {"from_logits": True}, None, "cross_entropy", False),
        (sparse_categorical_crossentropy, {}, nn.Softmax(1), "cross_entropy", True),
        (mean_squared_error, {}, None, "mse_loss", False),
        (binary_crossentropy, {"from_logits": True}, None, "binary_cross_entropy_with_logits", False),
        (binary_crossentropy, {}, nn.Sigmoid(), "binary_cross_entropy", True),
    ],
)
def test_a_loss_of_keras_is_told_by_what_it_computes(keras, function, settings, end, kind, probabilities):
    """One loss, with its own name, and the value that it gave."""
    sparse = function is sparse_categorical_crossentropy
    facts, records = trained(keras(function, **settings), Y if sparse else F.one_hot(Y).float(), end=end)
    name = "".join(word.capitalize() for word in function.__name__.split("_"))
    assert (facts[-1]["kind"], facts[-1]["name"], facts[-1].get("probabilities", False)) == (kind, name, probabilities)
    assert {fact["id"] for fact in facts} == {0}
    assert records.column("loss_id") == [0] * 10
    assert facts[-1]["target"]["shape"] == ([12] if sparse else [12, 3])


@pytest.mark.parametrize(
    ("settings", "weight"), [({"label_smoothing": 0.1}, None), ({}, torch.ones(12)), ({"reduction": "sum"}, None)]
)
def test_what_torch_has_no_word_for_is_told_as_it_comes(keras, settings, weight):
    """Smoothing, weights of examples and sums: by torch's function inside of it."""
    loss = keras(binary_crossentropy, from_logits=True, **settings)
    facts, _ = trained(loss, F.one_hot(Y).float(), weight=weight)
    assert {fact["name"] for fact in facts} == {"binary_cross_entropy_with_logits", "custom"}
