"""Whether the labels of binary losses are of both kinds."""

from pathlib import Path

from builders import event, make_loss, signals_of


def _loss(number: int, low: float, batches: int = 10) -> dict[str, object]:
    target = {"shape": [32], "min": low, "max": 1.0, "mean": 0.5, "batches": batches, "examples": 32 * batches}
    return make_loss("binary_cross_entropy_with_logits", id=number, target=target)


def test_labels_of_one_kind(tmp_path: Path) -> None:
    """The smallest label is 1."""
    signals = signals_of(tmp_path, steps=20, losses=[_loss(0, 1.0)])
    assert (signals["binary_label_min"], signals["binary_labels"]) == (1.0, 320)


def test_a_generator_beside_its_discriminator(tmp_path: Path) -> None:
    """Any loss with labels of the other kind counts."""
    assert signals_of(tmp_path, steps=20, losses=[_loss(0, 1.0), _loss(1, 0.0)])["binary_label_min"] == 0.0


def test_a_few_batches(tmp_path: Path) -> None:
    """Four batches may be of one kind by chance."""
    assert signals_of(tmp_path, steps=20, losses=[_loss(0, 1.0, batches=4)])["binary_label_min"] is None


def test_prompts_are_those_of_the_loss_with_the_most_separated_sequences(tmp_path: Path) -> None:
    """Of several losses whose labels are ids; one of which nothing is known counts as none."""
    kinds = {"0/0": None, "1/0": 320, "2/0": 64}
    told = [
        event("labels", {"labels": 4000, "sight": ["causal attention"], "separated_rows": rows}, subject)
        for subject, rows in kinds.items()
    ]
    assert signals_of(tmp_path, steps=20, events=told)["separated_rows"] == 320
