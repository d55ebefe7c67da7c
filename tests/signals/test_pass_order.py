"""Signals of the order of the passes over the data."""

from pathlib import Path

from builders import event, signals_of


def test_the_training_loader_counts(tmp_path: Path) -> None:
    """What was told last of it; loaders of evaluations are left out."""
    told = {"loader": 0, "sampler": "DistributedSampler", "passes": 3, "different": 1}
    other = event("sampler-epochs", {**told, "loader": 1, "passes": 9, "different": 9})
    events = [event("sampler-epochs", told), event("sampler-epochs", {**told, "passes": 5}), other]
    loaders = [{"id": 0, "role": "train"}, {"id": 1, "role": "eval"}]
    seen = signals_of(tmp_path, steps=5, events=events, loaders=loaders)
    assert (seen["sampler_passes"], seen["sampler_orders"]) == (5, 1)
    assert seen["sampler_class"] == "DistributedSampler"
    assert signals_of(tmp_path, steps=5)["sampler_passes"] is None
