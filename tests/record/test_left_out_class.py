"""A class that a loss ignores is told from padding, from pieces of words, and from masked language models."""

from __future__ import annotations

import pytest
import torch

from trainadvisor.record.losses.left_out_class import LeftOutClass

B, T, VOCABULARY, CLASSES, PAD = 40, 9, 30, 4, 0


def _batch(ignored: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return ids of rows of different lengths, and labels that are random up to the padding."""
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(1, VOCABULARY, (B, T), generator=generator)
    labels = torch.randint(0, CLASSES, (B, T), generator=generator)
    for row in range(B):
        ids[row, 3 + row % 5 :], labels[row, 3 + row % 5 :] = PAD, ignored
    return ids, labels


def _told(ids: torch.Tensor, labels: torch.Tensor, ignored: int, classes: int = CLASSES) -> dict[str, int]:
    found = LeftOutClass()
    found.add(labels, torch.arange(ids.numel()).reshape(ids.shape), ids, classes, ignored)
    return found.fact()


def test_a_class_that_is_the_padding_of_labels_is_counted() -> None:
    """Its places, and whether the first ones of rows are among them."""
    ids, labels = _batch(0)
    real = ids != PAD
    first = int((labels[:, 0] == 0).sum())
    last = sum(int(labels[row, 2 + row % 5] == 0) for row in range(B))
    assert _told(ids, labels, 0) == {
        "left_out_first_ignored": first, "left_out_first_counted": B - first,
        "left_out_last_ignored": last, "left_out_last_counted": B - last,
        "left_out_places": int(real.sum()), "left_out_ignored": int((labels[real] == 0).sum()),
    }  # fmt: skip


def test_rows_may_be_padded_in_front() -> None:
    """Then the first place is the first behind the padding."""
    ids, labels = _batch(0)
    first = int((labels[torch.arange(B), torch.tensor([2 + row % 5 for row in range(B)])] == 0).sum())
    assert _told(ids.flip(1), labels.flip(1), 0)["left_out_first_ignored"] == first


def test_padding_with_a_class_of_its_own_leaves_nothing_out() -> None:
    """The labels of words are the classes from 1 on."""
    ids, labels = _batch(0)
    labels = torch.where(ids != PAD, labels.clamp_min(1), 0)
    assert _told(ids, labels, 0)["left_out_ignored"] == 0


def test_pieces_of_words_without_label_never_come_first() -> None:
    """A first piece counts in every row."""
    ids, labels = _batch(0)
    labels[:, 0] = 2
    told = _told(ids, labels, 0)
    assert (told["left_out_first_ignored"], told["left_out_first_counted"]) == (0, B)


@pytest.mark.parametrize(("ignored", "classes"), [(-100, CLASSES), (255, CLASSES), (0, VOCABULARY)])
def test_numbers_that_are_no_class_and_language_models_are_left_alone(ignored: int, classes: int) -> None:
    """A masked language model has as many classes as ids, and ignores most places."""
    assert _told(*_batch(ignored), ignored, classes) == {}
