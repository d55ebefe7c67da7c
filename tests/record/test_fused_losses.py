"""A loss over a vocabulary whose scores are never one tensor is told as the cross-entropy that it is."""

# ruff: noqa: ARG002, ARG004, FBT002, PLR0913, PLR0917 - signatures of another library

import signal
import sys
import types

import pytest
import torch
import torch.nn.functional as F
from recordkit import record
from torch import nn

from trainadvisor.instrument import fused_losses

VOCABULARY = 7
IDS = torch.arange(24).reshape(4, 6) % VOCABULARY


class Fused(torch.autograd.Function):
    """Stands in for the log-probabilities that TRL takes in pieces."""

    @staticmethod
    def forward(
        ctx, hidden, weight, bias, targets, temperature, chunk_size, final_logit_softcapping=None, logit_scale=1.0
    ):
        with torch.enable_grad():
            ctx.inputs = [hidden.detach().requires_grad_(), weight.detach().requires_grad_()]
            ctx.made = F.log_softmax(ctx.inputs[0] @ ctx.inputs[1].T / temperature, 1)
            ctx.made = ctx.made.gather(1, targets[:, None]).squeeze(1)
        return ctx.made.detach()

    @staticmethod
    def backward(ctx, gradient):
        return (*torch.autograd.grad(ctx.made, ctx.inputs, gradient), *[None] * 6)


class Trainer:
    """Stands in for TRL's trainer: the mean over the labels that count."""

    def __init__(self, model, *, temperature=1.0, loss_type="nll", accumulation=1):
        self.model, self.temperature = model, temperature
        self.args = types.SimpleNamespace(loss_type=loss_type)
        self.compute_loss_func = self.label_smoother = None
        self.aux_loss_enabled, self.current_gradient_accumulation_steps = False, accumulation

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        hidden = model(inputs["input_ids"])[:, :-1].reshape(-1, 8)
        labels = inputs["labels"][:, 1:].reshape(-1)
        head = (model.head.weight, None, labels.clamp(min=0), self.temperature, 4)
        values = Fused.apply(hidden, *head) * (labels != -100)
        return -values.sum() / (labels != -100).sum().clamp(min=1)


class Model(nn.Module):
    """Its head is never called: its weights are taken."""

    def __init__(self):
        super().__init__()
        self.body, self.head = nn.Embedding(VOCABULARY, 8), nn.Linear(8, VOCABULARY, bias=False)

    def forward(self, ids):
        return self.body(ids)


@pytest.fixture(autouse=True)
def trl(monkeypatch):
    """Have TRL imported."""
    for name, held in (("trl.kernels.chunked_logprob", {"ChunkedLogProbFunction": Fused}),
                       ("trl.trainer.sft_trainer", {"SFTTrainer": Trainer})):  # fmt: skip
        module = types.ModuleType(name)
        vars(module).update(held)
        monkeypatch.setitem(sys.modules, name, module)


def trained(labels, **settings):
    """Return the facts of the losses of a short training, its records, and the values that the trainer had."""
    values = []

    def train():
        model = Model()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        trainer = Trainer(model, **settings)
        for _ in range(6):
            optimizer.zero_grad()
            loss = trainer.compute_loss(model, {"input_ids": IDS, "labels": labels})
            loss.backward()
            optimizer.step()
            values.append(loss.item())
        return model, optimizer

    records = record(train)
    return records.facts("loss"), records, values


def test_the_loss_and_its_labels_are_told():
    """Value, classes and the labels that do not count are those of the trainer."""
    labels = IDS.clone()
    labels[:, :3] = -100
    facts, records, values = trained(labels)
    assert {fact["kind"] for fact in facts} == {"cross_entropy"}
    assert facts[-1]["prediction"]["shape"] == [20, VOCABULARY]
    assert facts[-1]["target"]["ignored_share"] == pytest.approx(8 / 20)
    assert records.column("loss") == pytest.approx(values, rel=1e-5)


def test_scores_are_computed_once_and_only_where_they_are_looked_at():
    """Most steps want the value of the loss alone."""
    made = []
    scores = fused_losses.LateScores(lambda: made.append(1) or torch.ones(2))
    assert made == []
    assert [scores.detach() is scores.detach(), made] == [True, [1]]


@pytest.mark.parametrize("settings", [{"temperature": 2.0}, {"loss_type": "dft"}, {"accumulation": 2}])
def test_another_loss_is_not_told_as_that(settings):
    """Scaled scores, weighted values and parts of a mean are no cross-entropy of the batch."""
    facts, _, _ = trained(IDS.clone(), **settings)
    assert {fact["kind"] for fact in facts} == {"custom"}


class TimeIsUp(Exception):  # noqa: N818 - named as in a script
    """A time limit."""


class Inputs(dict):
    """Interrupted where labels that are shifted already are looked for."""

    def get(self, *_):
        signal.raise_signal(signal.SIGUSR1)


def ring(*_):
    """Raise."""
    raise TimeIsUp


def test_an_alarm_while_the_labels_are_looked_up_reaches_the_script():
    """What is meant for the script is not taken for something that another library lacks."""

    def train():
        model = Model()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        trainer = Trainer(model)
        for inputs in ({"input_ids": IDS, "labels": IDS}, Inputs(input_ids=IDS, labels=IDS)):
            optimizer.zero_grad()
            trainer.compute_loss(model, inputs).backward()
            optimizer.step()

    before = signal.signal(signal.SIGUSR1, ring)
    try:
        with pytest.raises(TimeIsUp):
            record(train)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert torch.is_grad_enabled()


def test_what_is_kept_for_a_later_look_holds_no_graph() -> None:
    """The scores are those of the last layer; nothing that was differentiated is held for them."""
    hidden, weight = torch.randn(6, 8, requires_grad=True) * 2, nn.Parameter(torch.randn(VOCABULARY, 8))
    head = fused_losses._without_graph(fused_losses._Head(hidden, weight, None, None))
    assert (head.hidden.grad_fn, head.weight.requires_grad) == (None, False)
    assert torch.equal(fused_losses._scores(head, 2), (hidden @ weight.T)[::2])
