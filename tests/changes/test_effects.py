"""Changes whose effect is computed here in another way than by an edit of the script."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
import torch
from trialkit import CLASSIFIER, REGRESSION, by_hand, change, same, trial

if TYPE_CHECKING:
    from pathlib import Path

UNTRAINED = "lr=0.0"


def _held(outcome) -> set[int]:
    """Return the ids of what the optimizer of a script holds."""
    return {id(p) for group in outcome.names["optimizer"].param_groups for p in group["params"]}


def test_he_draws_the_hidden_weights_with_the_deviation_that_relu_asks_for(tmp_path: Path) -> None:
    """The deviation is sqrt(2 / inputs), biases are zero, and the script's random numbers go on as they would."""
    script = CLASSIFIER.replace("nn.Linear(6, 8)", "nn.Linear(6, 800)").replace("Linear(8, 2)", "Linear(800, 2)")
    script = script.replace("lr=0.1", "lr=1e-9").replace("model = ", "model = ") + "draw = torch.rand(3)\n"
    outcome = trial(script, tmp_path, change("init", to="he"))
    weight, bias = outcome.weights[:2]
    assert float(weight.std()) == pytest.approx(math.sqrt(2 / 6), rel=0.05)
    assert float(bias.abs().max()) < 1e-8
    assert torch.equal(outcome.names["draw"], by_hand(script).names["draw"])


def test_orthogonal_weights_are_orthogonal(tmp_path: Path) -> None:
    """Rows of the first layer have length sqrt(2) and stand at right angles."""
    script = CLASSIFIER.replace("Linear(6, 8)", "Linear(6, 4)").replace("Linear(8, 2)", "Linear(4, 2)")
    outcome = trial(script.replace("lr=0.1", UNTRAINED), tmp_path, change("init", to="orthogonal"))
    weight = outcome.weights[0]
    assert torch.allclose(weight @ weight.T, 2 * torch.eye(4), atol=1e-5)


def test_a_prior_start_predicts_the_mean_of_the_targets(tmp_path: Path) -> None:
    """The last layer's bias is the mean of the first batch's targets, or what is given; its weights are small."""
    outcome = trial(REGRESSION.replace("lr=0.01", UNTRAINED), tmp_path, change("init", to="prior"))
    assert float(outcome.weights[3]) == pytest.approx(float(outcome.names["y"].mean()))
    assert float(outcome.weights[2].abs().max()) < 0.1
    given = trial(REGRESSION.replace("lr=0.01", UNTRAINED), tmp_path, change("init", bias=5.5))
    assert float(given.weights[3]) == 5.5


TOWERS = """
import torch
from torch import nn
torch.manual_seed(0)
class Towers(nn.Module):
    def __init__(self):
        super().__init__()
        self.users, self.own = nn.Embedding(500, 64), nn.Parameter(torch.randn(64, 64))
        self.out = LAYER
    def forward(self, i):
        return self.out(self.users(i) @ self.own)
model = Towers()
optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
for step in range(3):
    loss = model(torch.arange(8)).square().mean()
    loss.backward()
    optimizer.step()
"""


@pytest.mark.parametrize(("layer", "users", "own"), [("nn.Identity()", 1 / 8, 0.177), ("nn.Linear(64, 1)", 1.0, 0.177)])
def test_embeddings_and_own_matrices_are_drawn_where_their_scale_is_off(
    tmp_path: Path, layer: str, users: float, own: float
) -> None:
    """Where nothing else can be drawn an embedding is; beside layers one of torch's own scale stays, a matrix not."""
    model = trial(TOWERS.replace("LAYER", layer), tmp_path, change("init", to="he")).names["model"]
    assert float(model.users.weight.detach().std()) == pytest.approx(users, rel=0.05)
    assert float(model.own.detach().std()) == pytest.approx(own, rel=0.05)


def test_a_matrix_of_usual_scale_stays(tmp_path: Path) -> None:
    """Beside layers that are drawn, what starts well is left as it is."""
    script = TOWERS.replace("LAYER", "nn.Linear(64, 1)").replace("torch.randn(64, 64)", "torch.randn(64, 64) / 8")
    kept = trial(script, tmp_path, change("init", to="he")).names["model"].own
    assert torch.equal(kept, by_hand(script).names["model"].own)


def test_wider_layers_are_trained(tmp_path: Path) -> None:
    """Hidden widths are tripled, inputs and outputs stay, and the optimizer holds the new parameters only."""
    outcome = trial(CLASSIFIER, tmp_path, change("capacity", factor=3.0))
    assert [tuple(w.shape) for w in outcome.weights] == [(24, 6), (24,), (2, 24), (2,)]
    assert _held(outcome) == {id(p) for p in outcome.names["model"].parameters()}
    assert outcome.changes[0]["what"] == "74 -> 218 weights: 1 hidden widths times 3"


def test_a_network_of_convolutions_is_widened_through_its_flattening(tmp_path: Path) -> None:
    """Channels, norms and the inputs of the linear layer behind them grow together."""
    model = "nn.Conv2d(1, 4, 2), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2)"
    script = CLASSIFIER.replace("nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 2)", model)
    script = script.replace("TensorDataset(x,", "TensorDataset(x.view(-1, 1, 2, 3),").replace("model(x)", "0")
    outcome = trial(script, tmp_path, change("capacity", factor=2.0))
    assert [tuple(w.shape) for w in outcome.weights[:3:2] + outcome.weights[4:5]] == [(8, 1, 2, 2), (8,), (2, 16)]


def test_inputs_are_standardised_by_the_batches_seen(tmp_path: Path) -> None:
    """With one batch of all examples the scores are those of a model that is given standardized inputs."""
    script = REGRESSION.replace("y = x[:, :1] * 30 + 100", "y = x[:, :1] / 2")
    outcome = trial(script, tmp_path, change("standardize-inputs"))
    # over six steps of the same batch the statistics stay what they are
    hand = by_hand(
        script, ("model(x), y", "model(z), y"), ("model =", "z = ((x - x.mean(0)) / x.std(0, correction=0))\nmodel =")
    )
    assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(outcome.weights, hand.weights, strict=True))
    assert torch.allclose(outcome.names["scores"], hand.names["model"](hand.names["z"]).detach(), atol=1e-5)


def test_targets_are_standardised_and_scores_come_back_in_their_unit(tmp_path: Path) -> None:
    """Weights are those of a training on standardized targets, scores are on the scale of the targets."""
    outcome = trial(REGRESSION, tmp_path, change("standardize-targets"))
    hand = by_hand(REGRESSION, ("model(x), y", "model(x), (y - y.mean()) / y.std(correction=0)"))
    assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(outcome.weights, hand.weights, strict=True))
    y = hand.names["y"]
    assert torch.allclose(outcome.names["scores"], hand.names["scores"] * y.std(correction=0) + y.mean(), rtol=1e-4)


def test_evaluation_inputs_are_brought_to_the_training_scale(tmp_path: Path) -> None:
    """An evaluation set on another scale gets the scores that it would get on the training's."""
    script = CLASSIFIER.replace("scores = model(x)", "scores = model(x * 50 + 900)\n    right = model(x)")
    outcome = trial(script, tmp_path, change("fix-preprocessing"))
    plain = by_hand(script)
    assert same(outcome, plain)
    agree = (outcome.names["scores"].argmax(1) == plain.names["right"].argmax(1)).float().mean()
    assert (
        float(agree) > 0.95 > float((plain.names["scores"].argmax(1) == plain.names["right"].argmax(1)).float().mean())
    )


def test_missing_parameters_are_added_with_the_settings_of_the_last_group(tmp_path: Path) -> None:
    """A head that the optimizer was not given is trained as if it had been."""
    script = CLASSIFIER.replace("SGD(model.parameters()", "SGD(model[0].parameters()")
    outcome = trial(script, tmp_path, change("add-parameters"))
    assert same(outcome, by_hand(CLASSIFIER))
    assert outcome.changes[0]["what"] == "2 tensors (18 weights) were added to SGD"


def test_layers_in_a_plain_list_are_trained(tmp_path: Path) -> None:
    """What no module holds is found through the loss."""
    body = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = [nn.Linear(6, 8)]
        self.head = nn.Linear(8, 2)
    def forward(self, x):
        return self.head(self.hidden[0](x).tanh())
model = Net()"""
    script = CLASSIFIER.replace("\nmodel = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 2))", body)
    outcome = trial(script, tmp_path, change("use-modulelist"))
    hand = by_hand(script, ("[nn.Linear(6, 8)]", "nn.ModuleList([nn.Linear(6, 8)])"))
    assert torch.equal(outcome.names["model"].hidden[0].weight, hand.names["model"].hidden[0].weight)


def test_accumulated_gradients_are_averaged(tmp_path: Path) -> None:
    """Three batches of eight, one update: the step of a batch of 24."""
    ordered = CLASSIFIER.replace(", shuffle=True", "")
    outcome = trial(ordered, tmp_path, change("accumulation", steps=3))
    hand = by_hand(ordered, ("batch_size=8", "batch_size=24"))
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(outcome.weights, hand.weights, strict=True))


def test_a_hidden_network_stands_beside_a_single_layer(tmp_path: Path) -> None:
    """A linear model gets two hidden layers, which the optimizer trains."""
    script = CLASSIFIER.replace("nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 2))", "nn.Linear(6, 2)")
    outcome = trial(script, tmp_path, change("add-nonlinearity", width=16))
    assert len(outcome.weights) == 8
    assert _held(outcome) == {id(p) for p in outcome.names["model"].parameters()}


def test_functions_are_exchanged_like_modules(tmp_path: Path) -> None:
    """torch.sigmoid in forward() becomes ReLU; one at the model's end stays."""
    body = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(6, 8), nn.Linear(8, 2)
    def forward(self, x):
        return torch.sigmoid(self.b(torch.sigmoid(self.a(x))))
model = Net()"""
    script = CLASSIFIER.replace("\nmodel = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 2))", body)
    outcome = trial(script, tmp_path, change("activation", to="relu"))
    assert same(outcome, by_hand(script, ("torch.sigmoid(self.a", "torch.relu(self.a")))


def test_shuffles_of_equal_length_share_one_order(tmp_path: Path) -> None:
    """Rows and labels that were shuffled one after the other belong together again; other lengths are left alone."""
    script = """
    import numpy as np
    import torch
    rows, labels, others = np.arange(20), np.arange(20), np.arange(7)
    for values in (rows, labels, others):
        np.random.shuffle(values)
    """
    names = trial(script, tmp_path, change("fix-labels")).names
    assert (names["rows"] == names["labels"]).all()
    assert sorted(names["rows"]) == list(range(20)) != list(names["rows"])


def test_rows_can_keep_their_order(tmp_path: Path) -> None:
    """With order=kept neither random nor numpy moves anything."""
    script = """
    import random
    import numpy as np
    import torch
    one, two = list(range(9)), np.random.RandomState(0).permutation(9)
    random.shuffle(one)
    three = torch.randperm(9)
    """
    names = trial(script, tmp_path, change("fix-labels", order="kept")).names
    assert one_order(names["one"]) == one_order(names["two"]) == one_order(names["three"]) == list(range(9))


def one_order(values) -> list[int]:
    """Return numbers of any container as a list."""
    return [int(value) for value in values]


def test_a_checkpoint_is_whole_when_it_is_read(tmp_path: Path) -> None:
    """What the thread writes is what stood there when torch.save was called, and torch.load waits for it."""
    path = str(tmp_path / "model.pt")
    save = f"        torch.save(model.state_dict(), {path!r})\n        optimizer.step()\n"
    script = CLASSIFIER.replace("        optimizer.step()\n", save) + f"saved = torch.load({path!r})\n"
    outcome, hand = trial(script, tmp_path, change("async-checkpoint")), by_hand(script)
    assert same(outcome, hand)
    assert outcome.changes[0]["applied"]
    assert all(torch.equal(outcome.names["saved"][name], hand.names["saved"][name]) for name in hand.names["saved"])
    assert not torch.equal(outcome.names["saved"]["0.weight"], outcome.weights[0])


@pytest.mark.parametrize("turned", [False, True])
def test_the_order_of_two_changes_does_not_matter(tmp_path: Path, turned: bool) -> None:  # noqa: FBT001
    """An activation is taken away before scores get the unit of the targets, and new layers are drawn like old ones."""
    script = REGRESSION.replace("nn.Linear(8, 1)", "nn.Linear(8, 1), nn.Sigmoid()")
    pair = [change("change-output-activation"), change("standardize-targets")]
    outcome = trial(script, tmp_path, *(reversed(pair) if turned else pair))
    hand = by_hand(script, (", nn.Sigmoid()", ""), ("model(x), y", "model(x), (y - y.mean()) / y.std(correction=0)"))
    assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(outcome.weights, hand.weights, strict=True))
    assert all(told["applied"] for told in outcome.changes)
    wide = [change("init", to="he"), change("capacity", factor=100.0)]
    drawn = trial(CLASSIFIER.replace("lr=0.1", UNTRAINED), tmp_path, *(reversed(wide) if turned else wide))
    assert float(drawn.weights[0].std()) == pytest.approx(math.sqrt(2 / 6), rel=0.1)


def test_a_difference_of_a_column_and_a_row_is_no_square(tmp_path: Path) -> None:
    """A hand-written loss is fixed at the subtraction, in both orders."""
    body = "loss = ((model(x) - y) ** 2).mean() + ((y - model(x)) ** 2).mean()"
    script = REGRESSION.replace("loss = F.mse_loss(model(x), y)", body).replace("x[:, :1]", "x[:, 0]")
    outcome = trial(script, tmp_path, change("match-shapes"))
    assert same(outcome, by_hand(script, ("x[:, 0]", "x[:, :1]")))


def test_a_product_of_a_column_and_a_row_is_no_square(tmp_path: Path) -> None:
    """Weights in a column meet errors in a row, where the operation is told to be the product."""
    body = "loss = ((model(x)[:, 0] - y[:, 0]) ** 2 * y.sigmoid()).mean() / 1e6"
    script = REGRESSION.replace("loss = F.mse_loss(model(x), y)", body)
    outcome = trial(script, tmp_path, change("match-shapes", operation="Mul"))
    assert same(outcome, by_hand(script, ("y.sigmoid()", "y[:, 0].sigmoid()")))


def test_a_sum_written_by_hand_is_divided_by_the_examples(tmp_path: Path) -> None:
    """32 rows, so a 32nd of the sum."""
    script = REGRESSION.replace("F.mse_loss(model(x), y)", "((model(x) - y) ** 2).sum()")
    outcome = trial(script, tmp_path, change("loss-function", reduction="mean"))
    assert same(outcome, by_hand(script, (".sum()", ".sum() / 32")))


def test_a_loader_begun_anew_for_each_batch_goes_on(tmp_path: Path) -> None:
    """After the third time it returns the second batch, and after its last batch the first one again."""
    script = """
    import torch
    from torch.utils.data import DataLoader
    loader, seen = DataLoader(torch.arange(6), batch_size=2), []
    for step in range(8):
        seen.append(int(next(iter(loader))[0]))
    """
    assert trial(script, tmp_path, change("fix-data")).names["seen"] == [0, 0, 0, 2, 4, 0, 2, 4]


def test_divisions_and_roots_stay_away_from_zero(tmp_path: Path) -> None:
    """Each operation near zero gives a finite value and a finite gradient; others are as they were."""
    script = REGRESSION.replace(
        "loss = F.mse_loss(model(x), y)",
        """\
zero, two = torch.zeros(3, requires_grad=True), torch.full((3,), 2.0)
    out = model(x)
    ends = [two / zero, two.div(zero), 1.0 / zero, zero.sqrt(), torch.sqrt(zero), zero ** 0.5, zero.log()]
    ends += [two / two, two ** 2]
    loss = F.mse_loss(out, y)
    slope = torch.autograd.grad(sum(end.sum() for end in ends), zero)[0]""",
    )
    names = trial(script, tmp_path, change("stable-loss")).names
    assert all(bool(torch.isfinite(end).all()) for end in [*names["ends"], names["slope"]])
    assert [float(end[0]) for end in names["ends"][-2:]] == [1.0, 4.0]
    assert not torch.isfinite(by_hand(script).names["slope"]).any()


def test_a_state_that_comes_round_again_gets_tanh(tmp_path: Path) -> None:
    """A layer that one call uses several times is a recurrent cell, where ReLU would not bound anything."""
    body = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell, self.head = nn.Linear(6, 6), nn.Linear(6, 2)
    def forward(self, x):
        for _ in range(3):
            x = self.cell(x)
        return self.head(x)
model = Net()"""
    script = CLASSIFIER.replace("\nmodel = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 2))", body)
    outcome = trial(script, tmp_path, change("add-nonlinearity"))
    assert same(outcome, by_hand(script, ("self.cell(x)", "self.cell(x).tanh()")))


TWO_OPTIMIZERS = CLASSIFIER.replace(
    "optimizer = SGD(model.parameters(), lr=0.1)",
    "optimizer = SGD(model[0].parameters(), lr=0.1)\nother = SGD(model[2].parameters(), lr=0.2)",
).replace("optimizer.zero_grad()", "optimizer.zero_grad(); other.zero_grad()")


def test_an_optimizer_that_is_never_stepped_is_stepped(tmp_path: Path) -> None:
    """The one that the script steps is left alone."""
    outcome = trial(TWO_OPTIMIZERS, tmp_path, change("add-step"))
    assert same(outcome, by_hand(TWO_OPTIMIZERS, ("optimizer.step()", "optimizer.step(); other.step()")))
    both = TWO_OPTIMIZERS.replace("optimizer.step()", "optimizer.step(); other.step()")
    assert trial(both, tmp_path, change("add-step")).changes[0]["refused"] == "the script calls step() itself"


def test_losses_that_are_kept_let_go_of_their_graphs(tmp_path: Path) -> None:
    """One that backward() was never called on is cut after the next step but one; the training is as it was."""
    script = CLASSIFIER.replace(
        "        optimizer.step()\n",
        "        optimizer.step()\n        kept.append(cross_entropy(model(inputs), targets))\n",
    ).replace("for epoch", "kept = []\nfor epoch")
    outcome, hand = trial(script, tmp_path, change("detach-history")), by_hand(script)
    assert same(outcome, hand)
    assert [loss.grad_fn is None for loss in outcome.names["kept"]] == [True] * 10 + [False] * 2
    assert not any(loss.grad_fn is None for loss in hand.names["kept"])


def test_dropout_functions_follow_the_mode(tmp_path: Path) -> None:
    """Training drops as before, and evaluation does not, as with training=self.training."""
    source = """
    import torch
    from torch import nn
    import torch.nn.functional as F
    torch.manual_seed(1)
    x, y = torch.randn(12, 5), torch.randint(0, 2, (12,))
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = nn.Linear(5, 2)
        def forward(self, x):
            return self.head(F.dropout(x, 0.5))
    model = Net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for step in range(4):
        model.train()
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
        scores = model.eval()(x).detach()
    """
    outcome = trial(source, tmp_path, change("dropout-mode"))
    hand = by_hand(source, ("F.dropout(x, 0.5)", "F.dropout(x, 0.5, training=self.training)"))
    assert outcome.changes[-1]["applied"]
    assert same(outcome, hand)
    assert torch.equal(outcome.names["scores"], hand.names["scores"])


PASSES = """
{classifier}
passes = {{"train": sum(1 for _ in loader), "held out": 0}}
held_out = DataLoader(TensorDataset(x, y), batch_size=8)
passes["held out"] = sum(1 for _ in held_out)
with torch.no_grad():
    passes["looked at"] = sum(1 for _ in loader)
"""


@pytest.mark.parametrize(("factor", "times"), [(0.5, 1), (1.0, 1), (1.5, 2), (2.0, 2), (3.0, 3)])
def test_only_passes_of_the_training_over_its_own_data_are_repeated(tmp_path: Path, factor: float, times: int) -> None:
    """Not those over other data, nor those without gradients."""
    outcome = trial(PASSES.format(classifier=CLASSIFIER), tmp_path, change("train-longer", factor=factor))
    assert outcome.names["passes"] == {"train": 6 * times, "held out": 6, "looked at": 6}
    assert outcome.changes[0]["what"] == f"each epoch passes {times} times over the training's data"
