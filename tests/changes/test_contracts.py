"""The active tests on small models: what each fault gives, and that sound models pass or say why they cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from trialkit import by_hand, change, same, trial

from trainadvisor.changes.contracts import all_contracts
from trainadvisor.changes.contracts.case import Case
from trainadvisor.changes.contracts.untestable import Untestable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BATCH, TIME, WORDS = 6, 8, 11
CONTRACTS = {entry.name: entry for entry in all_contracts()}


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


class Net(nn.Module):
    """A model whose forward is a function of its layers and the input."""

    def __init__(self, forward: Callable[[Any, torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.embed, self.first, self.head = nn.Embedding(WORDS, 4), nn.Linear(4, 8), nn.Linear(8, WORDS)
        self.wrong, self.right = nn.GRU(8, 8), nn.GRU(8, 8, batch_first=True)
        self.attend = nn.MultiheadAttention(8, 2, batch_first=True)
        self.batch = nn.BatchNorm1d(8, track_running_stats=False)
        self.norm, self.drop = nn.BatchNorm1d(8), nn.Dropout(0.5)
        self.calls = torch.zeros(())
        self.own = forward

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.own(self, x)


def _outcome(name: str, forward: Callable[[Any, torch.Tensor], torch.Tensor], **given: Any) -> str:
    """Return the state and the way of a test, or the reason why it could not be made."""
    case = Case(Net(forward), (given.pop("x", torch.randn(BATCH, 4)),), {}, **{"loaded": BATCH, **given})
    try:
        outcome = CONTRACTS[name].function(case)
    except Untestable as reason:
        return str(reason)
    return f"{outcome.state}.{outcome.way}" if outcome.way else outcome.state


def _tokens() -> torch.Tensor:
    return torch.randint(0, WORDS, (BATCH, TIME))


def _mean_over_batch(net: Any, x: torch.Tensor) -> torch.Tensor:
    hidden = net.first(x)
    return net.head(hidden - hidden.mean(0))


def _viewed(net: Any, x: torch.Tensor) -> torch.Tensor:
    return net.head(net.first(net.embed(x)).reshape(TIME, BATCH, 8).transpose(0, 1).mean(1))


def _sorted(net: Any, x: torch.Tensor) -> torch.Tensor:
    order = torch.arange(BATCH).roll(1)
    return net.head(net.first(net.embed(x[order])).mean(1))[order.argsort()]


@pytest.mark.parametrize(
    ("forward", "tokens", "told"),
    [
        (_sorted, True, "the model sorts its examples before it embeds them"),
        (lambda net, x: net.head(net.first(x)).roll(1, 0), False, "failed"),
        (lambda net, x: net.head(net.norm(net.first(x)).relu()), False, "passed"),
        (lambda net, x: net.head(net.right(net.first(net.embed(x)))[0][:, -1]), True, "passed"),
        (lambda net, x: net.head(net.wrong(net.first(net.embed(x)))[0][:, -1]), True, "failed"),
        (_mean_over_batch, False, "failed"),
        (_viewed, True, "failed"),
        (lambda net, x: F.softmax(net.head(net.first(x)), 0), False, "failed"),
        (lambda net, x: net.head(net.batch(net.first(x))), False, "failed.statistics"),
        (lambda net, x: net.head(net.first(x).detach()), False, "no gradient reaches the inputs"),
        (
            lambda net, x: net.head(net.first(x)).mean(),
            False,
            "the model returns no tensor with a value for each example",
        ),
    ],
    ids=[
        "sorted",
        "another's",
        "norm",
        "gru",
        "batch as time",
        "mean",
        "view",
        "softmax",
        "statistics",
        "detached",
        "loss",
    ],
)
def test_examples_are_independent(forward: Any, tokens: bool, told: str) -> None:  # noqa: FBT001
    """An operation over the first dimension shows in the gradient, whatever it is."""
    assert _outcome("independence", forward, **({"x": _tokens()} if tokens else {})) == told


def test_time_in_front_is_not_taken_for_the_batch() -> None:
    """Without a loader, a first dimension that may be time is left alone."""
    x = torch.randn(TIME, BATCH, 4)
    told = _outcome("independence", lambda net, x: net.head(net.wrong(net.first(x))[0]), x=x, loaded=None, target=x)
    assert told == "which dimension is the batch is not known"


def _seeing_all(net: Any, x: torch.Tensor) -> torch.Tensor:
    hidden = net.first(net.embed(x))
    return net.head(net.attend(hidden, hidden, hidden)[0])


def _masked(net: Any, x: torch.Tensor) -> torch.Tensor:
    hidden = net.first(net.embed(x))
    mask = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1)
    return net.head(net.attend(hidden, hidden, hidden, attn_mask=mask)[0]).flatten(0, 1)


@pytest.mark.parametrize(
    ("forward", "told"),
    [
        (lambda net, x: net.head(net.right(net.first(net.embed(x)))[0]), "passed"),
        (_masked, "passed"),
        (_seeing_all, "failed"),
    ],
)
def test_the_next_element_is_not_seen(forward: Any, told: str) -> None:
    """A missing mask shows, whether the answers are flattened or not, and the labels shifted inside or outside."""
    text = torch.randint(0, WORDS, (BATCH, TIME + 1))
    assert _outcome("causality", forward, x=text[:, :-1], target=text[:, 1:].flatten()) == told
    assert _outcome("causality", forward, x=text, target=text[:, 1:].flatten()) == told


def test_labels_of_the_end_alone_show_the_order_and_the_batch() -> None:
    """Only the answer behind a prompt is taught: time is the second dimension, and the first is the batch."""
    text = torch.randint(0, WORDS, (BATCH, TIME + 1))
    given = {"x": text[:, :-1], "target": text[:, 5:].flatten(), "loaded": None}
    assert _outcome("causality", _seeing_all, **given) == "failed"
    assert _outcome("independence", _seeing_all, **given) == "passed"


def test_a_tagger_may_look_ahead() -> None:
    """Where other labels are taught, every place may be seen."""
    told = _outcome("causality", _seeing_all, x=_tokens(), target=_tokens().flatten())
    assert told == "it is not taught the next element of a sequence"


def _counting(net: Any, x: torch.Tensor) -> torch.Tensor:
    net.calls = net.calls + 1
    return net.head(net.first(x)) * net.calls


def _attention_dropping(net: Any, x: torch.Tensor) -> torch.Tensor:
    hidden = net.first(net.embed(x))
    return net.head(F.scaled_dot_product_attention(hidden, hidden, hidden, dropout_p=0.5))


@pytest.mark.parametrize(
    ("forward", "told"),
    [
        (lambda net, x: net.head(net.drop(net.first(x))), "passed"),
        (lambda net, x: net.head(F.dropout(net.first(x), 0.5)), "failed"),
        (lambda net, x: net.head(net.first(x) + torch.randn(8)), "its forward draws random numbers (randn)"),
        (_counting, "it keeps a state from call to call"),
    ],
)
def test_nothing_is_dropped_in_eval_mode(forward: Any, told: str) -> None:
    """Dropout is told from noise that is meant, and from a state."""
    assert _outcome("determinism", forward) == told


def test_attention_that_drops_in_eval_mode_is_found() -> None:
    """A dropout_p that does not follow the mode is out of sight of everything but the test."""
    assert _outcome("determinism", _attention_dropping, x=_tokens()) == "failed"


@pytest.mark.parametrize(
    ("name", "forward", "told"),
    [
        ("input-used", lambda net, x: net.head(net.first(x)), "passed"),
        ("input-used", lambda net, x: net.head(net.first(torch.ones_like(x))), "failed"),
        ("input-used", lambda net, x: net.head(net.first(x) * torch.rand(8)),
         "the same batch gives two answers in eval mode"),
        ("scale", lambda net, x: net.head(net.first(x)), "passed"),
        ("scale", lambda net, x: net.head(net.first(F.normalize(x))), "failed"),
        ("scale", lambda net, x: net.head(net.first(torch.ones_like(x))), "the answer is the same for every input"),
        ("order-used", lambda net, x: net.head(net.first(x)), "its input is not a sequence"),
    ],
)  # fmt: skip
def test_the_input_and_its_scale_are_used(name: str, forward: Any, told: str) -> None:
    """What replaces the input, or divides its scale out, leaves the answers as they are."""
    assert _outcome(name, forward) == told


def test_the_order_of_a_sequence_is_used() -> None:
    """A recurrence knows the order; an attention without positions does not."""
    assert (
        _outcome("order-used", lambda net, x: net.head(net.right(net.first(net.embed(x)))[0]), x=_tokens()) == "passed"
    )
    assert _outcome("order-used", _seeing_all, x=_tokens()) == "failed"


SCRIPT = """
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
torch.manual_seed(0)
loader = DataLoader(TensorDataset(torch.randn(32, 4), torch.randint(0, 3, (32,))), batch_size=8, shuffle=True)
model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 3))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for epoch in range(2):
    for x, y in loader:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
"""


def test_the_tests_change_nothing_of_the_training(tmp_path: Path) -> None:
    """Weights and statistics are those of the plain script, and each test has told its outcome."""
    outcome = trial(SCRIPT, tmp_path, change("contracts"))
    assert same(outcome, by_hand(SCRIPT))
    told = {r["subject"]: r["detail"]["state"] for r in outcome.records if r.get("kind") == "contract"}
    assert told == {"independence": "passed", "causality": "untested", "determinism": "passed", "input-used": "passed",
                    "order-used": "untested", "scale": "passed"}  # fmt: skip
    assert outcome.names["model"].training


@pytest.mark.parametrize("entry", CONTRACTS.values(), ids=CONTRACTS)
def test_every_outcome_is_told_in_both_languages(entry: Any) -> None:
    """A sentence for each state, with what is unknown as a question mark."""
    for lang in ("en", "zh"):
        for state in ("passed", "failed"):
            assert entry.sentence({"state": state, "figures": {}}, lang)
        assert "because" in entry.sentence({"state": "untested", "reason": "because", "reason_zh": "because"}, lang)
