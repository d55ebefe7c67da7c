"""Writers that are installed write a training on the spot and it is read; recorded files stand for the others."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
import pytest
from importers import make_fixtures
from importers.make_fixtures import EVERY, STEPS, WRITERS

from trainadvisor.importers.foreign_logs import read_log

if TYPE_CHECKING:
    from pathlib import Path

NEEDED = {
    "tensorboard_torch": ("tensorboard", "torch"),
    "tensorboard_tensors": ("tensorboard",),
    "wandb_offline": ("wandb",),
    "mlflow_folder": ("mlflow",),
    "mlflow_database": ("mlflow", "sqlalchemy", "alembic"),
    "trackio_project": ("trackio",),
    "keras_csv": ("keras", "torch"),
    "lightning_csv": ("lightning",),
    "transformers_state": ("transformers", "accelerate"),
    "stable_baselines": ("stable_baselines3",),
    "skorch_history": ("skorch",),
    "tensorflow_summary": ("tensorflow",),
    "keras_tensorboard": ("keras", "tensorflow"),
    "jax_clu": ("clu",),
    "kohya_accelerate": ("accelerate", "tensorboard", "torch"),
}
# How many points of the training loss and evaluations each writes.
WRITTEN = dict.fromkeys(NEEDED, (STEPS, STEPS // EVERY)) | {
    "keras_csv": (STEPS, STEPS),
    "transformers_state": (STEPS // 2, STEPS // EVERY),
    "stable_baselines": (STEPS - 1, STEPS),
    "skorch_history": (STEPS, STEPS),
    "kohya_accelerate": (STEPS, 0),
}


def test_every_writer_is_tried() -> None:
    """The script has no writer that is not tested here."""
    assert set(NEEDED) == set(WRITERS)


@pytest.mark.parametrize("kind", NEEDED)
def test_what_is_written_now_is_read(kind: str, tmp_path: Path) -> None:
    """The version that is installed writes what the recorded one wrote."""
    missing = [name for name in NEEDED[kind] if find_spec(name) is None]
    if missing:
        pytest.skip(f"{missing[0]} is not installed; the recorded file stands for it")
    subprocess.run([sys.executable, make_fixtures.__file__, kind, str(tmp_path)], check=True, capture_output=True)
    logs = [*tmp_path.rglob("history.json"), *tmp_path.rglob("training.csv"), *tmp_path.rglob("*.db"), tmp_path]
    log = read_log(logs[0])
    losses = int(np.isfinite(log.column("loss")).sum())
    evaluations = [record for record in log.all_evals if record.get("loss") is not None or record["metrics"]]
    assert (losses, len(evaluations)) == WRITTEN[kind]
