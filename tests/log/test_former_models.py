"""A model that gets other parameters between two trainings: each is read with those that it had."""

from pathlib import Path

import numpy as np
from builders import build_log, event, make_model, make_optimizer

from trainadvisor.log.reader import read_log
from trainadvisor.log.training_views import trainings

SMALL, LARGE = make_model(("a", "Linear", 4, 2)), make_model(("a", "Linear", 4, 2), ("b", "Linear", 2, 2))


def test_samples_of_the_first_training_keep_their_parameters(tmp_path: Path) -> None:
    """Two before the adapter was put in, four after it; without the second training there is but one version."""
    layers = [{"step": step, "grad": [1.0] * (2 if step < 100 else 4)} for step in range(0, 200, 50)]
    path = build_log(
        tmp_path,
        columns={"loss": [1.0] * 200, "opt": [[int(step >= 100)] for step in range(200)]},
        layers=layers,
        models=[SMALL],
        optimizers=[make_optimizer(), make_optimizer(id=1, parameters=range(4))],
        events=[{**event("model", LARGE), "step": 100}],
    )
    log = read_log(path)
    read = [(len(view.layers.rows()), np.shape(view.layers.column("grad"))) for view in trainings(log)]
    assert read == [(2, (2, 2)), (4, (2, 4))]
