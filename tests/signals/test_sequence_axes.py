"""Which axis holds the examples, where a loss says so."""

from pathlib import Path

import pytest
from builders import event, make_loss, signals_of


@pytest.mark.parametrize(("batch_first", "layers"), [(True, 1), (False, 0)])
def test_scores_of_ctc_have_their_examples_in_the_second_place(
    tmp_path: Path, *, batch_first: bool, layers: int
) -> None:
    """Of scores [24, 16, 7] a recurrent layer that takes 16 for time mixes the examples; nothing else counts them."""
    time, batch = (16, 24) if batch_first else (24, 16)
    row = {"time": time, "batch": batch, "loader": None, "input_shape": [16, 8, 24], "output_shape": [24, 16, 7],
           "target_shape": [67]}  # fmt: skip
    told = {"class": "LSTM", "attention": False, "batch_first": batch_first, "calls": 9, "rows": [row, row]}
    events = [event("sequence-axes", told, "rnn")]
    ctc, other = (make_loss(kind, prediction={"shape": [24, 16, 7]}) for kind in ("ctc_loss", "custom"))
    assert signals_of(tmp_path, steps=9, losses=[ctc], events=events)["batch_read_as_time"] == layers
    assert not signals_of(tmp_path, steps=9, losses=[other], events=events)["batch_read_as_time"]
