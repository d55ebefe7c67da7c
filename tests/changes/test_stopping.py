"""Weights of an earlier step, and of many steps; layers exchanged for others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from torch import nn
from trialkit import CLASSIFIER, by_hand, change, same, trial

if TYPE_CHECKING:
    from pathlib import Path

EVALUATED = CLASSIFIER.replace("range(2)", "range(12)").replace("with torch.no_grad():\n    scores = model(x)", """\
    with torch.no_grad():
        value = float(cross_entropy(model(x), 1 - y))
        history = globals().get('history', []) + [value]
        scores = model(x)""")  # fmt: skip


def test_the_best_weights_are_evaluated_to_the_end(tmp_path: Path) -> None:
    """The evaluation is of the opposite labels, so that the first one is the best."""
    outcome = trial(EVALUATED, tmp_path, change("early-stopping"))
    plain = by_hand(EVALUATED).names["history"]
    assert min(plain) == plain[0] < plain[-1]
    history = outcome.names["history"]
    assert history[:4] == plain[:4]
    assert history[4:] == [plain[0]] * 8


def test_evaluations_see_an_average_and_training_does_not(tmp_path: Path) -> None:
    """The weights end as they would; the scores are those of their moving average."""
    outcome = trial(CLASSIFIER, tmp_path, change("early-stopping", average=True, decay=0.5))
    assert same(outcome, by_hand(CLASSIFIER))
    average = """\
        old = globals().get('mean', list(model.parameters()))
        mean = [p.detach().clone().lerp_(m, 0.5) for p, m in zip(model.parameters(), old)]
"""
    hand = by_hand(CLASSIFIER, ("        optimizer.step()\n", f"        optimizer.step()\n{average}")).names
    for parameter, mean in zip(hand["model"].parameters(), hand["mean"], strict=True):
        parameter.data.copy_(mean)
    assert torch.allclose(outcome.names["scores"], hand["model"](hand["x"]).detach(), atol=1e-5)


def test_a_recurrent_layer_becomes_a_gru_that_is_trained(tmp_path: Path) -> None:
    """The optimizer holds the new parameters in the place of the old ones."""
    body = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn, self.head = nn.RNN(1, 4, batch_first=True), nn.Linear(4, 2)
    def forward(self, x):
        out, state = self.rnn(x[:, :, None])
        return self.head(out[:, -1] + state[0])
model = Net()"""
    script = CLASSIFIER.replace("\nmodel = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 2))", body)
    for word, kind in (("gru", nn.GRU), ("lstm", nn.LSTM)):
        outcome = trial(script, tmp_path, change("activation", to=word))
        model = outcome.names["model"]
        assert type(model.rnn) is kind
        held = [p for group in outcome.names["optimizer"].param_groups for p in group["params"]]
        assert {id(p) for p in held} == {id(p) for p in model.parameters()}
        assert all(p.grad is not None for p in held)


def test_a_missing_backward_is_supplied(tmp_path: Path) -> None:
    """The loss of the step is the one that was computed last."""
    outcome = trial(CLASSIFIER.replace("        loss.backward()\n", ""), tmp_path, change("add-backward"))
    assert same(outcome, by_hand(CLASSIFIER))


def test_shortcuts_stand_around_layers_as_wide_as_their_input(tmp_path: Path) -> None:
    """The input of the layer is added to its output."""
    deep = CLASSIFIER.replace("nn.Tanh(), ", "nn.Tanh(), nn.Linear(8, 8), nn.Tanh(), ")
    body = "nn.Sequential(nn.Linear(6, 8), nn.Tanh(), Plus(8, 8), nn.Tanh(), nn.Linear(8, 2))"
    plus = "class Plus(nn.Linear):\n    def forward(self, x): return super().forward(x) + x\nmodel = "
    hand = by_hand(deep, ("nn.Linear(8, 8)", "Plus(8, 8)"), ("model = ", plus))
    assert body.count("Plus") == 1
    assert same(trial(deep, tmp_path, change("residual")), hand)


def test_training_images_are_shifted_and_evaluation_images_are_not(tmp_path: Path) -> None:
    """Each shifted image is a part of the padded one; scores are those of the images as they are."""
    model = "nn.Conv2d(1, 2, 1), nn.Flatten(), nn.Linear(12, 2)"
    script = CLASSIFIER.replace("nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 2)", model).replace(
        "x[:, 0] > x[:, 1]", "x.mean((1, 2, 3)) > 1"
    )
    script = script.replace("torch.randn(48, 6)", "torch.randn(48, 1, 2, 3)").replace(
        "model(inputs)", "model(inputs := inputs)"
    )
    outcome = trial(script, tmp_path, change("augmentation"))
    assert outcome.changes[0]["applied"]
    assert not same(outcome, by_hand(script))
    with torch.no_grad():
        assert torch.equal(outcome.names["scores"], outcome.names["model"](outcome.names["x"]))


NET = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(6, 8), nn.Linear(8, 2)
    def forward(self, x):
        h = self.a(x).tanh()
        {line}
        return self.b(h)
model = Net()"""


def _net(line: str) -> str:
    return CLASSIFIER.replace(
        "\nmodel = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 2))", NET.format(line=line)
    )


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("h = h.detach()", "detach() inside the model is passed over"),
        ("with torch.no_grad(): h = self.a(x).tanh()", "no_grad() inside the model is passed over"),
    ],
)
def test_a_cut_inside_the_model_is_passed_over(tmp_path: Path, line: str, what: str) -> None:
    """The first layer is trained as if the line were not there."""
    outcome = trial(_net(line), tmp_path, change("unfreeze"))
    assert same(outcome, by_hand(_net("pass")))
    assert outcome.changes[0]["what"] == what
    assert outcome.failures == []


def test_dropout_that_is_a_function_is_changed_where_it_is_called(tmp_path: Path) -> None:
    """Its share is halved; a function that is called twice is changed twice."""
    line = "h = nn.functional.dropout(nn.functional.dropout(h, 0.6, self.training), p=0.2, training=self.training)"
    outcome = trial(_net(line), tmp_path, change("dropout", factor=0.5))
    assert same(outcome, by_hand(_net(line), ("0.6", "0.3"), ("0.2", "0.1")))
    assert outcome.changes[0]["what"] == "F.dropout 0.6 -> 0.3"


def test_batch_norms_become_group_norms(tmp_path: Path) -> None:
    """Each in its place, with its parameters in the optimizer."""
    script = CLASSIFIER.replace("nn.Tanh()", "nn.BatchNorm1d(8), nn.ReLU()")
    outcome = trial(script, tmp_path, change("normalization", to="group"))
    assert same(outcome, by_hand(script, ("nn.BatchNorm1d(8)", "nn.GroupNorm(8, 8)")))
