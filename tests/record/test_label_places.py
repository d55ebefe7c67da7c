"""Which ids of its input the labels of a sequence model are, after all shifts and masks of script and model."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import torch
import torch.nn.functional as F
from builders import event, signals_of
from recordkit import record
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

V, D, T, B = 20, 16, 10, 6
STEPS = 4


class Causal(nn.Module):
    """A language model: a causal transformer, or a recurrent network, with options that make it something else."""

    def __init__(self, kind: str = "attention", *, mask: bool = True, both: bool = False) -> None:
        super().__init__()
        self.tok, self.mask = nn.Embedding(V, D), mask
        if kind == "attention":
            layer = nn.TransformerEncoderLayer(D, 2, 2 * D, dropout=0.1, batch_first=True)
            self.body: Any = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
        else:
            self.body = getattr(nn, kind)(D, D // (1 + both), batch_first=True, bidirectional=both)
        self.head = nn.Linear(D, V)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        h = self.tok(ids)
        if isinstance(self.body, nn.RNNBase):
            return self.head(self.body(h)[0])
        mask = nn.Transformer.generate_square_subsequent_mask(ids.shape[1]) if self.mask else None
        return self.head(self.body(h, mask=mask, is_causal=self.mask))


Loss = "Callable[[nn.Module, torch.Tensor], torch.Tensor]"


def shifted_by(offset: int) -> Callable[[nn.Module, torch.Tensor], torch.Tensor]:
    """Return a loss whose labels are the ids so many places on."""

    def loss(model: nn.Module, ids: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(model(ids)[:, : T - offset].flatten(0, 1), ids[:, offset:].flatten())

    return loss


def _cut_before(model: nn.Module, ids: torch.Tensor) -> torch.Tensor:
    return F.cross_entropy(model(ids[:, :-1]).transpose(1, 2), ids[:, 1:])


def _of_probabilities(model: nn.Module, ids: torch.Tensor) -> torch.Tensor:
    return F.nll_loss(model(ids[:, :-1]).log_softmax(-1).view(-1, V), ids[:, 1:].reshape(-1))


def _chosen_places(model: nn.Module, ids: torch.Tensor) -> torch.Tensor:
    wanted = ids[:, 1:] > 3
    return F.cross_entropy(model(ids)[:, :-1][wanted], ids[:, 1:][wanted])


def _masked(model: nn.Module, ids: torch.Tensor) -> torch.Tensor:
    hidden = torch.rand(ids.shape, generator=torch.Generator().manual_seed(1)) < 0.5
    labels = ids.masked_fill(~hidden, -100)
    return F.cross_entropy(model(ids.masked_fill(hidden, 0)).flatten(0, 1), labels.flatten())


def _tags(model: nn.Module, ids: torch.Tensor) -> torch.Tensor:
    return F.cross_entropy(model(ids).flatten(0, 1), (ids * 7 % 5).flatten())


def seen(tmp_path: Path, model: nn.Module, loss: Callable[[nn.Module, torch.Tensor], torch.Tensor]) -> Any:
    """Return the signals of a short training."""
    data = torch.Generator().manual_seed(0)

    def train() -> object:
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        for _ in range(STEPS):
            optimizer.zero_grad()
            loss(model, torch.randint(1, V, (B, T), generator=data)).backward()
            optimizer.step()
        return model

    records = record(train)
    events = [e for e in records.of("event") if e["kind"] in ("labels", "targets-in-inputs")]
    told = [event(e["kind"], e["detail"], e["subject"]) for e in events]
    return signals_of(tmp_path, steps=STEPS, events=told, models=records.of("header")[0]["models"])


@pytest.mark.parametrize("kind", ["attention", "GRU", "LSTM"])
@pytest.mark.parametrize("loss", [shifted_by(1), _cut_before, _of_probabilities, _chosen_places])
def test_next_token_prediction(tmp_path: Path, kind: str, loss: Any) -> None:
    """However logits and labels are cut, the label is the next id, and nothing else."""
    signals = seen(tmp_path, Causal(kind), loss)
    assert signals["label_next_share"] == 1.0
    assert signals["label_same_share"] < 0.3
    assert signals["label_looks_back"] is True
    assert signals["label_sees_next"] is False


@pytest.mark.parametrize("kind", ["attention", "GRU", "LSTM"])
def test_labels_that_are_not_shifted(tmp_path: Path, kind: str) -> None:
    """Every label is the id of its own place, in a model that looks back."""
    signals = seen(tmp_path, Causal(kind), shifted_by(0))
    assert (signals["label_same_share"], signals["label_looks_back"]) == (1.0, True)
    assert signals["label_next_share"] < 0.3


def test_labels_that_are_shifted_twice(tmp_path: Path) -> None:
    """Every label is the id two places on."""
    signals = seen(tmp_path, Causal(), shifted_by(2))
    assert signals["label_second_share"] == 1.0
    assert signals["label_next_share"] < 0.3


def test_a_missing_mask(tmp_path: Path) -> None:
    """Attention without a mask and networks that run backward see the next id."""
    assert seen(tmp_path, Causal(mask=False), shifted_by(1))["label_sees_next"] is True
    assert seen(tmp_path, Causal("LSTM", both=True), shifted_by(1))["label_sees_next"] is True


class Packed(nn.Module):
    """Attention in which places see those of their own document, all of them or earlier ones only."""

    def __init__(self, *, causal: bool, prefix: int = 0) -> None:
        super().__init__()
        self.tok, self.head, self.qkv = nn.Embedding(V, D), nn.Linear(D, V), nn.Linear(D, 3 * D)
        document = torch.arange(T) // 4
        seen = (document[:, None] == document).expand(B, 1, T, T)
        earlier = torch.ones(T, T, dtype=torch.bool).tril()
        earlier[:, :prefix] = True
        self.seen = seen & earlier if causal else seen

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        q, k, v = (part.unsqueeze(1) for part in self.qkv(self.tok(ids)).chunk(3, -1))
        n = ids.shape[1]
        return self.head(F.scaled_dot_product_attention(q, k, v, attn_mask=self.seen[..., :n, :n]).squeeze(1))


@pytest.mark.parametrize(("causal", "prefix", "told"), [(False, 0, True), (True, 0, False), (True, 3, False)])
def test_documents_in_one_row(tmp_path: Path, told: bool, prefix: int, *, causal: bool) -> None:  # noqa: FBT001
    """A mask of documents alone lets each place read its label; with a triangle, or a prefix to read, it does not."""
    assert seen(tmp_path, Packed(causal=causal, prefix=prefix), shifted_by(1))["label_sees_next"] is told


def _answers(rows: int, stop: bool, limit: int) -> tuple[torch.Tensor, torch.Tensor]:  # noqa: FBT001
    """Return rows of a prompt of various lengths, a separator and an answer, cut at a length, and which are answers."""
    draw = torch.Generator().manual_seed(rows)
    ids, counted = torch.zeros(rows, limit, dtype=torch.long), torch.zeros(rows, limit, dtype=torch.bool)
    for row in range(rows):
        prompt = torch.randint(3, V, (int(torch.randint(2, 5, (1,), generator=draw)),), generator=draw)
        answer = torch.randint(3, V, (5,), generator=draw)
        whole = torch.cat([prompt, torch.tensor([1]), answer, torch.tensor([2] * stop)])[:limit]
        ids[row, : len(whole)] = whole
        counted[row, len(prompt) + 1 : len(whole)] = True
    return ids, counted


@pytest.mark.parametrize(
    ("limit", "masked", "share"),
    [(7, True, 1.0), (12, True, 0.0), (7, False, 0.0)],
)  # fmt: skip
def test_answers_that_are_cut_off(tmp_path: Path, limit: int, share: float, *, masked: bool) -> None:
    """Behind prompts of various lengths all answers reach the end of their row, and the last labels are any."""
    ids, counted = _answers(60, stop=True, limit=limit)
    labels = ids.masked_fill(~counted, -100) if masked else ids

    def loss(model: nn.Module, _: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(model(ids)[:, :-1].flatten(0, 1), labels[:, 1:].flatten(), ignore_index=-100)

    signals = seen(tmp_path, Causal(), loss)
    assert signals["cut_answers_share"] == share
    assert not share or signals["cut_last_share"] < 0.3


@pytest.mark.parametrize(("offset", "share"), [(0, "label_same_share"), (1, "label_next_share")])
def test_a_frozen_embedding(tmp_path: Path, offset: int, share: str) -> None:
    """Adapters over a frozen embedding: the ids are those that the model was called with."""
    model = Causal()
    model.tok.weight.requires_grad = False
    signals = seen(tmp_path, model, shifted_by(offset))
    assert (signals[share], signals["label_looks_back"]) == (1.0, True)


def test_tags_that_a_model_is_called_with(tmp_path: Path) -> None:
    """Labels given to the model along with the ids are no ids."""

    class Tagging(Causal):
        def forward(self, ids: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
            return F.cross_entropy(super().forward(ids).flatten(0, 1), labels.flatten())

    model = Tagging()
    model.tok.weight.requires_grad = False
    signals = seen(tmp_path, model, lambda model, ids: model(ids, labels=ids * 7 % 5))
    assert signals["label_same_share"] < 0.5


def test_masked_language_models_and_taggers(tmp_path: Path) -> None:
    """Neither sees its labels, whatever it looks at."""
    masked = seen(tmp_path, Causal(mask=False), _masked)
    assert (masked["label_same_share"], masked["label_sees_next"]) == (0.0, False)
    assert masked["label_looks_back"] is False
    tagger = seen(tmp_path, Causal("LSTM", both=True), _tags)
    assert tagger["label_same_share"] < 0.5
    assert tagger["label_looks_back"] is False


def test_a_prefix_that_sees_itself(tmp_path: Path) -> None:
    """A prefix language model looks ahead inside the prefix, where it has no labels."""

    class Prefixed(Causal):
        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            mask = torch.ones(T, T).tril().bool()
            mask[:, :5] = True
            h = self.tok(ids)
            weights = (h @ h.transpose(1, 2)).masked_fill(~mask, float("-inf")).softmax(-1)
            return self.head(h + weights @ h)

    def loss(model: nn.Module, ids: torch.Tensor) -> torch.Tensor:
        labels = ids.masked_fill(torch.arange(T) < 5, -100)
        return F.cross_entropy(model(ids)[:, :-1].flatten(0, 1), labels[:, 1:].flatten())

    signals = seen(tmp_path, Prefixed(), loss)
    assert (signals["label_next_share"], signals["label_sees_next"]) == (1.0, False)


def test_one_direction_of_a_network_that_runs_in_both(tmp_path: Path) -> None:
    """A forward language model on the first half of the features sees nothing later."""

    class Halves(Causal):
        def __init__(self) -> None:
            super().__init__("LSTM", both=True)
            self.head = nn.Linear(D // 2, V)

        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            return self.head(self.body(self.tok(ids))[0][:, :, : D // 2])

    assert seen(tmp_path, Halves(), shifted_by(1))["label_sees_next"] is False


def test_an_autoencoder_of_text(tmp_path: Path) -> None:
    """Labels equal to the ids are right where they come through a bottleneck."""

    class Squeezing(Causal):
        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            last = self.body(self.tok(ids))[0][:, -1:]
            return self.head(self.body(last.expand(-1, ids.shape[1], -1))[0])

    signals = seen(tmp_path, Squeezing("GRU"), shifted_by(0))
    assert (signals["label_same_share"], signals["label_looks_back"]) == (1.0, False)


def test_a_decoder_with_inputs_of_its_own(tmp_path: Path) -> None:
    """A copying task: the decoder reads what it has written so far."""

    class Copying(Causal):
        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            state = self.body(self.tok(ids))[1]
            before = F.pad(ids[:, :-1], (1, 0))
            return self.head(self.body(self.tok(before), state)[0])

    assert seen(tmp_path, Copying("GRU"), shifted_by(0))["label_next_share"] == 1.0


def _ending(stop: int, padding: int) -> Callable[[nn.Module, torch.Tensor], torch.Tensor]:
    """Return a loss over sequences that end at various places, whose padding is ignored by its id."""

    def loss(model: nn.Module, ids: torch.Tensor) -> torch.Tensor:
        whole = ids.clamp_min(4)
        for row in range(len(whole)):
            end = 4 + row % 4
            whole[row, end], whole[row, end + 1 :] = stop, padding
        labels = whole.masked_fill(whole == padding, -100)
        return F.cross_entropy(model(whole)[:, :-1].flatten(0, 1), labels[:, 1:].flatten())

    return loss


def test_a_stop_token_that_is_padding(tmp_path: Path) -> None:
    """The id that ends the sequences is never a label, and their last labels are various."""
    signals = seen(tmp_path, Causal(), _ending(2, 2))
    assert (signals["after_end_share"], signals["after_end_labels"], signals["after_end_id"]) == (1.0, 0, 2)
    assert signals["last_label_share"] < 0.5
    assert signals["label_counts"] == 4


@pytest.mark.parametrize(("named", "known"), [(2, True), ([1, 2], True), (3, False), (None, False)])
def test_an_end_that_the_configuration_names(tmp_path: Path, named: object, *, known: bool) -> None:
    """As models of transformers name their stop tokens, also where another model wraps them."""
    model = Causal()
    model.body.config = SimpleNamespace(eos_token_id=named)
    assert seen(tmp_path, model, _ending(2, 2))["after_end_is_stop"] is known


def test_padding_that_the_longest_row_does_not_have(tmp_path: Path) -> None:
    """Batches are as wide as their longest row, which ends in a label: no stop token is missing."""

    def loss(model: nn.Module, ids: torch.Tensor) -> torch.Tensor:
        loss.batches = getattr(loss, "batches", 0) + 1  # type: ignore[attr-defined]
        whole = ids.clamp_min(4)[:, : 6 + loss.batches % 2]  # type: ignore[attr-defined]
        for row in range(1, len(whole)):
            whole[row, 3 + row % 3 :] = 2
        labels = whole.masked_fill(whole == 2, -100)
        return F.cross_entropy(model(whole)[:, :-1].flatten(0, 1), labels[:, 1:].flatten())

    assert seen(tmp_path, Causal(), loss)["after_end_id"] is None


def test_an_id_that_the_embedding_calls_padding(tmp_path: Path) -> None:
    """Histories of a recommender do not end: what follows them is padding, and no stop token is missing."""
    model = Causal()
    model.tok = nn.Embedding(V, D, padding_idx=2)
    assert seen(tmp_path, model, _ending(2, 2))["after_end_id"] is None


def test_an_id_that_texts_begin_with(tmp_path: Path) -> None:
    """Where the row is cut behind the begin of the next text no stop is missing; padding with it hides the stops."""

    def packed(*, cut: bool) -> Callable[[nn.Module, torch.Tensor], torch.Tensor]:
        def loss(model: nn.Module, ids: torch.Tensor) -> torch.Tensor:
            whole = ids.clamp_min(4)
            whole[:, 0] = whole[:, -1] = 2
            for row in range(len(whole)):
                if cut:
                    whole[row, 3 + row % 3] = 2
                else:
                    whole[row, 4 + row % 4 :] = 2
            labels = whole.masked_fill(whole == 2, -100)
            return F.cross_entropy(model(whole)[:, :-1].flatten(0, 1), labels[:, 1:].flatten())

        return loss

    assert seen(tmp_path, Causal(), packed(cut=True))["after_end_id"] is None
    assert seen(tmp_path, Causal(), packed(cut=False))["after_end_id"] == 2


def test_a_stop_token_of_its_own(tmp_path: Path) -> None:
    """Padding follows the stop token, which is every sequence's last label."""
    signals = seen(tmp_path, Causal(), _ending(2, 3))
    assert (signals["after_end_id"], signals["last_label_share"]) == (3, 1.0)


def test_another_training_of_the_process_is_looked_at_anew() -> None:
    """The labels of a second optimizer, made later, are counted from the start: the first one's are not among them."""

    def training() -> None:
        model = Causal()
        for offset in (1, 2):
            optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
            for _ in range(STEPS):
                loss = shifted_by(offset)(model, torch.randint(0, V, (B, T)))
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()

    details = [e["detail"] for e in record(training).of("event") if e["kind"] == "labels"]
    assert [d["next_share"] == 1.0 for d in details if d["batches"] == 1] == [True, False]
    assert details[-1]["second_share"] == 1.0
