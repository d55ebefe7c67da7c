"""What parts prompts and answers, and how many labels the prompts have, in batches worked out by hand."""

import pytest
import torch

from trainadvisor.record.losses.prompt_parts import PromptParts

PROMPT, ANSWER, SEPARATOR, STOP = 6, 3, 0, 1


def rows(count: int, *, seed: int = 0, ragged: bool = False) -> torch.Tensor:
    """Sequences of a prompt, the separator, an answer and a stop token; ragged ones have it at various places."""
    draw = torch.Generator().manual_seed(seed)
    ids = torch.randint(2, 9, (count, PROMPT + ANSWER + 2), generator=draw)
    ids[:, PROMPT], ids[:, -1] = SEPARATOR, STOP
    if ragged:
        for row in ids:
            shift = int(torch.randint(0, 3, (1,), generator=draw))
            row[:-1] = row[:-1].roll(-shift)
    return ids


def places(ids: torch.Tensor, first: int = 0) -> torch.Tensor:
    """The places whose next id is a label, from a column on."""
    inside = torch.arange(ids.shape[1] - 1) >= first
    return (torch.arange(ids.shape[0])[:, None] * ids.shape[1] + torch.arange(ids.shape[1] - 1)[inside]).flatten()


def test_the_labels_up_to_the_separator_are_the_prompts() -> None:
    """Six of ten labels: five ids of the prompt after the first, and the separator."""
    found = PromptParts()
    for seed in range(3):
        ids = rows(32, seed=seed)
        found.add(ids, places(ids))
    assert found.fact() == {"separated_rows": 96, "separator": SEPARATOR, "prompt_share": pytest.approx(0.6)}


def test_masked_prompts_have_no_labels() -> None:
    """The separator is still found."""
    found, ids = PromptParts(), rows(32)
    found.add(ids, places(ids, first=PROMPT))
    assert found.fact() == {"separated_rows": 32, "separator": SEPARATOR, "prompt_share": 0.0}


def test_separators_at_various_places() -> None:
    """The share is that of all labels."""
    found, ids = PromptParts(), rows(64, ragged=True)
    found.add(ids, places(ids))
    where = (ids == SEPARATOR).int().argmax(1)
    assert found.fact()["prompt_share"] == pytest.approx(float(where.sum()) / (64 * 10))


def test_a_text_without_separators() -> None:
    """No id stands once in each of many windows; one that did in the first batch does not count for the second."""
    found = PromptParts()
    for ids in (rows(16), torch.randint(2, 9, (16, 11), generator=torch.Generator().manual_seed(1))):
        found.add(ids, places(ids))
    assert found.fact() == {"separated_rows": 0}


@pytest.mark.parametrize("place", [0, -1])
def test_tokens_at_the_ends_part_nothing(place: int) -> None:
    """One that begins or ends every sequence."""
    found, ids = PromptParts(), torch.randint(2, 5, (32, 11), generator=torch.Generator().manual_seed(2))
    ids[:, place] = SEPARATOR
    found.add(ids, places(ids))
    assert found.fact() == {"separated_rows": 0}
