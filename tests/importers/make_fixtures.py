"""Makes the recorded files again, with the writers themselves: python make_fixtures.py [FOLDER].

Each function below takes a folder and writes the training of truth() there, with a writer that people use. A test that
finds the writer installed calls the same function.
"""

import gzip
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent / "fixtures"
STEPS = 24
EVERY = 6
LR = 0.01


def train_loss(step: int) -> float:
    """A loss that falls, with digits to the last place."""
    return 2.5 * math.exp(-step / 7) + 0.1 / (step + 3)


def eval_loss(step: int) -> float:
    """A validation loss beside it."""
    return 2.6 * math.exp(-step / 9) + 0.3 / (step + 3)


def lr(step: int) -> float:
    """A learning rate that decays."""
    return LR * 0.9**step


def truth() -> dict[str, dict[int, float]]:
    """What every writer is given: the loss and rate of each step, and an evaluation at the end of each sixth."""
    evaluated = range(EVERY - 1, STEPS, EVERY)
    return {
        "train": {step: train_loss(step) for step in range(STEPS)},
        "lr": {step: lr(step) for step in range(STEPS)},
        "eval": {step: eval_loss(step) for step in evaluated},
        "accuracy": {step: 1 - eval_loss(step) / 3 for step in evaluated},
    }


def tensorboard_torch(folder: Path) -> None:
    """torch.utils.tensorboard: simple values, all tags in one file, with a histogram and an image between them."""
    import numpy as np
    from torch.utils.tensorboard import SummaryWriter

    given = truth()
    with SummaryWriter(str(folder)) as writer:
        for step in range(STEPS):
            writer.add_scalar("train/loss", given["train"][step], step)
            writer.add_scalar("train/lr", given["lr"][step], step)
            if step in given["eval"]:
                writer.add_scalar("val/loss", given["eval"][step], step)
                writer.add_scalar("val/accuracy", given["accuracy"][step], step)
        writer.add_histogram("weights", np.arange(50.0), 3)
        writer.add_text("notes", "a text", 3)


def tensorboard_tensors(folder: Path) -> None:
    """The tensors of TensorFlow 2 in the layout of Keras: training and validation in sibling folders."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.scalar.metadata import create_summary_metadata
    from tensorboard.summary.writer.event_file_writer import EventFileWriter
    from tensorboard.util.tensor_util import make_tensor_proto

    given = truth()
    for part, tags in (
        ("train", {"epoch_loss": "train", "epoch_learning_rate": "lr"}),
        ("validation", {"epoch_loss": "eval", "epoch_accuracy": "accuracy"}),
    ):
        writer = EventFileWriter(str(folder / part), filename_suffix=".v2")
        for step in range(STEPS):
            for tag, curve in tags.items():
                if step in given[curve]:
                    value = Summary.Value(
                        tag=tag,
                        tensor=make_tensor_proto(given[curve][step], dtype="float32"),
                        metadata=create_summary_metadata("", ""),
                    )
                    event = Event(step=step, summary=Summary(value=[value]))
                    event.wall_time = time.time()
                    writer.add_event(event)
        writer.close()


def wandb_offline(folder: Path) -> None:
    """W&B without a network: one history row a step, the evaluation in the same row."""
    os.environ.update(WANDB_MODE="offline", WANDB_SILENT="true")
    import wandb

    given = truth()
    settings = wandb.Settings(x_disable_meta=True, x_disable_stats=True, console="off", host="host", disable_git=True)
    # longer than a block of 32 KiB, so that a record is cut into pieces
    config = {"lr": LR, "optimizer": {"name": "Adam"}, "notes": "long " * 8000}
    run = wandb.init(project="fixture", dir=str(folder), config=config, settings=settings)
    for step in range(STEPS):
        row = {"train/loss": given["train"][step], "train/lr": given["lr"][step]}
        if step in given["eval"]:
            row |= {"val/loss": given["eval"][step], "val": {"accuracy": given["accuracy"][step]}}
        run.log(row)
    run.log({"train/loss": math.nan})
    run.log({"train/loss": math.inf})
    run.finish()


def _mlflow(uri: str) -> None:
    os.environ.update(MLFLOW_DISABLE_TELEMETRY="true", MLFLOW_ALLOW_FILE_STORE="true")
    import mlflow

    given = truth()
    mlflow.set_tracking_uri(uri)
    mlflow.set_experiment("fixture")
    with mlflow.start_run(run_name="fixture"):
        mlflow.log_params({"lr": LR, "optimizer": "Adam"})
        for step in range(STEPS):
            mlflow.log_metrics({"train/loss": given["train"][step], "train/lr": given["lr"][step]}, step=step)
            if step in given["eval"]:
                mlflow.log_metrics({"val_loss": given["eval"][step], "val_acc": given["accuracy"][step]}, step=step)
        mlflow.log_metric("train/loss", math.nan, step=STEPS)
        mlflow.log_metric("train/loss", math.inf, step=STEPS + 1)


def mlflow_folder(folder: Path) -> None:
    """MLflow's older default: a folder of small files."""
    _mlflow((folder / "mlruns").absolute().as_uri())


def mlflow_database(folder: Path) -> None:
    """MLflow's newer default: a SQLite database."""
    _mlflow(f"sqlite:///{(folder / 'mlflow.db').absolute()}")


def trackio_project(folder: Path) -> None:
    """trackio: a database a project, a row of JSON a log call."""
    os.environ.update(TRACKIO_DIR=str(folder), HF_HUB_OFFLINE="1")
    import trackio

    given = truth()
    trackio.init(project="fixture", name="fixture", config={"lr": LR, "optimizer": {"name": "Adam"}})
    for step in range(STEPS):
        row = {"train/loss": given["train"][step], "train/lr": given["lr"][step]}
        if step in given["eval"]:
            row |= {"val/loss": given["eval"][step], "val/accuracy": given["accuracy"][step]}
        trackio.log(row)
    trackio.log({"train/loss": math.nan})
    trackio.log({"train/loss": math.inf})
    trackio.finish()


WRITERS = {
    writer.__name__: writer
    for writer in (
        tensorboard_torch,
        tensorboard_tensors,
        wandb_offline,
        mlflow_folder,
        mlflow_database,
        trackio_project,
    )
}
# Files of the writers that say nothing of the training.
USELESS = ("*.lock", "debug*.log", "requirements.txt", "*.db-*", "latest-run")


def main(names: list[str]) -> None:
    """Write each kind into its folder, in a process of its own: most writers keep a state."""
    if len(names) == 1:
        with tempfile.TemporaryDirectory(prefix="fixture") as place:
            WRITERS[names[0]](Path(place))
            tidy(Path(place))
            shutil.rmtree(HERE / names[0], ignore_errors=True)
            shutil.copytree(place, HERE / names[0])
        return
    for name in names or WRITERS:
        subprocess.run([sys.executable, __file__, name], check=True)


def tidy(folder: Path) -> None:
    """Remove what says nothing of the training, and pack databases."""
    for pattern in USELESS:
        for path in folder.rglob(pattern):
            path.unlink()
    for path in [*folder.rglob("tags"), *folder.rglob("artifacts")]:
        shutil.rmtree(path)
    for path in folder.rglob("*.db"):
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes(), mtime=0))
        path.unlink()


if __name__ == "__main__":
    main(sys.argv[1:])
