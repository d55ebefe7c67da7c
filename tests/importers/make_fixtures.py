"""Makes the recorded files again, with the writers themselves: python make_fixtures.py [KIND [FOLDER]].

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
from types import SimpleNamespace

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


def keras_csv(folder: Path) -> None:
    """The CSVLogger of Keras, a row an epoch; here each step of the training is one."""
    os.environ["KERAS_BACKEND"] = "torch"
    from keras.callbacks import CSVLogger

    given = truth()
    logger = CSVLogger(str(folder / "training.csv"))
    logger.set_model(SimpleNamespace(stop_training=False))
    logger.on_train_begin()
    for epoch in range(STEPS):
        logs = {
            "loss": given["train"][epoch],
            "accuracy": 0.5,
            "val_loss": eval_loss(epoch),
            "learning_rate": lr(epoch),
        }
        logger.on_epoch_end(epoch, logs)
    logger.on_train_end()


def lightning_csv(folder: Path) -> None:
    """The CSVLogger of Lightning: a loss by step and epoch, an evaluation an epoch, columns sorted."""
    import lightning
    import torch
    from lightning.pytorch.loggers import CSVLogger

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(1))

        def training_step(self, *_batch: object) -> torch.Tensor:
            loss = self.weight.sum() * 0 + train_loss(self.global_step)
            self.log("train_loss", loss, on_step=True, on_epoch=True)
            self.log("lr", lr(self.global_step))
            return loss

        def validation_step(self, *_batch: object) -> None:
            self.log("val_loss", eval_loss(self.global_step - 1))

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), lr=LR)

    data = torch.utils.data.DataLoader(torch.zeros(EVERY, 1))
    logger = CSVLogger(str(folder), name="", version="")
    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "enable_checkpointing": False}
    trainer = lightning.Trainer(
        max_epochs=STEPS // EVERY,
        logger=logger,
        accelerator="cpu",
        log_every_n_steps=1,
        num_sanity_val_steps=0,
        **quiet,
    )
    trainer.fit(Module(), data, torch.utils.data.DataLoader(torch.zeros(1, 1)))


def transformers_state(folder: Path) -> None:
    """The Trainer of transformers: means of two steps, an evaluation each sixth."""
    import torch
    from transformers import Trainer, TrainingArguments

    class Model(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(1))
            self.steps = 0

        def forward(self, x: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
            del labels
            if not self.training:
                return {"loss": self.weight.sum() * 0 + eval_loss(self.steps - 1), "logits": x}
            self.steps += 1
            return {"loss": self.weight.sum() + train_loss(self.steps - 1)}

    quiet = {"use_cpu": True, "report_to": [], "disable_tqdm": True}
    rhythm = {
        "max_steps": STEPS,
        "logging_steps": 2,
        "eval_steps": EVERY,
        "save_steps": STEPS,
        "eval_strategy": "steps",
    }
    arguments = TrainingArguments(
        output_dir=str(folder), per_device_train_batch_size=1, learning_rate=0.0, **rhythm, **quiet
    )
    rows = [{"x": torch.zeros(1), "labels": torch.zeros(1)}] * EVERY
    Trainer(model=Model(), args=arguments, train_dataset=rows, eval_dataset=rows[:1]).train()
    for path in [path for path in folder.rglob("*") if path.is_file() and path.name != "trainer_state.json"]:
        path.unlink()


def stable_baselines(folder: Path) -> None:
    """The CSV of Stable-Baselines3's logger, whose columns grow, and the file of its Monitor."""
    import gymnasium
    from stable_baselines3.common.logger import CSVOutputFormat
    from stable_baselines3.common.monitor import Monitor

    csv = CSVOutputFormat(str(folder / "progress.csv"))
    for step in range(STEPS):
        row = {"rollout/ep_rew_mean": 100 - 10 * train_loss(step), "time/total_timesteps": 2048 * (step + 1)}
        if step:
            row |= {"train/loss": train_loss(step), "train/approx_kl": 0.01, "train/learning_rate": LR}
        csv.write(row, dict.fromkeys(row), step)
    csv.close()

    class Environment(gymnasium.Env):
        observation_space = gymnasium.spaces.Discrete(1)
        action_space = gymnasium.spaces.Discrete(1)
        episodes = 0

        def reset(self, **_options: object) -> tuple[int, dict[str, object]]:
            self.episodes += 1
            return 0, {}

        def step(self, *_action: int) -> tuple[int, float, bool, bool, dict[str, object]]:
            return 0, float(self.episodes), True, False, {}

    monitor = Monitor(Environment(), str(folder / "run.monitor.csv"))
    for _ in range(STEPS):
        monitor.reset()
        monitor.step(0)
    monitor.close()


def skorch_history(folder: Path) -> None:
    """The history of skorch: epochs, each with its batches."""
    from skorch.history import History

    given = truth()
    history = History()
    for epoch in range(STEPS):
        history.new_epoch()
        history.record("epoch", epoch + 1)
        for part, loss in (("train", given["train"][epoch]), ("valid", eval_loss(epoch))):
            history.new_batch()
            history.record_batch(f"{part}_loss", loss)
            history.record_batch(f"{part}_batch_size", 8)
            history.record(f"{part}_loss", loss)
        history.record("valid_acc", 0.5 + epoch / 100)
        history.record("valid_loss_best", bool(epoch < 9))
        history.record("dur", 0.25)
    history.to_file(str(folder / "history.json"))


def tensorflow_summary(folder: Path) -> None:
    """tf.summary, a writer for the training and one for the evaluation, as TensorFlow's guides lay them out."""
    import tensorflow as tf

    given = truth()
    for part, curves in (("train", {"loss": "train", "lr": "lr"}), ("eval", {"loss": "eval", "accuracy": "accuracy"})):
        writer = tf.summary.create_file_writer(str(folder / part))
        with writer.as_default():
            for step in range(STEPS):
                for name in (name for name, curve in curves.items() if step in given[curve]):
                    tf.summary.scalar(name, given[curves[name]][step], step=step)
        writer.close()


def keras_tensorboard(folder: Path) -> None:
    """The TensorBoard callback of Keras: epochs, and each evaluation by iterations as well."""
    os.environ["KERAS_BACKEND"] = "tensorflow"
    import keras
    import numpy as np

    given = truth()
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(np.zeros((1, 1)), np.zeros((1, 1)), verbose=0)
    callback = keras.callbacks.TensorBoard(str(folder), write_graph=False, profile_batch=0)
    callback.set_model(model)
    callback.on_train_begin()
    for epoch in range(STEPS):
        callback.on_epoch_begin(epoch)
        logs = {"loss": given["train"][epoch], "learning_rate": given["lr"][epoch]}
        if epoch in given["eval"]:
            held_out = {"loss": given["eval"][epoch], "accuracy": given["accuracy"][epoch]}
            callback.on_test_begin()
            callback.on_test_end(held_out)
            logs |= {f"val_{name}": value for name, value in held_out.items()}
        callback.on_epoch_end(epoch, logs)
    callback.on_train_end()


def jax_clu(folder: Path) -> None:
    """The metric writers of clu, which trainings in JAX and Flax use."""
    from clu import metric_writers

    given = truth()
    writer = metric_writers.SummaryWriter(str(folder))
    for step in range(STEPS):
        writer.write_scalars(step, {"train/loss": given["train"][step], "train/lr": given["lr"][step]})
        if step in given["eval"]:
            writer.write_scalars(step, {"eval/loss": given["eval"][step], "eval/accuracy": given["accuracy"][step]})
    writer.write_texts(STEPS, {"notes": "a text"})
    writer.flush()


def kohya_accelerate(folder: Path) -> None:
    """The tags of kohya's sd-scripts, through the tracker of accelerate that they use."""
    from accelerate.tracking import TensorBoardTracker

    given = truth()
    tracker = TensorBoardTracker("network_train", str(folder))
    tracker.start()
    for step in range(STEPS):
        losses = {"loss/current": 9.0, "loss/average": given["train"][step]}
        tracker.log({**losses, "lr/unet": given["lr"][step], "lr/textencoder": LR / 100}, step=step)
        if step % EVERY == EVERY - 1:
            tracker.log({"loss/epoch_average": 8.0}, step=step // EVERY + 1)
    tracker.finish()


WRITERS = {
    writer.__name__: writer
    for writer in (
        tensorboard_torch,
        tensorboard_tensors,
        wandb_offline,
        mlflow_folder,
        mlflow_database,
        trackio_project,
        keras_csv,
        lightning_csv,
        transformers_state,
        stable_baselines,
        skorch_history,
        tensorflow_summary,
        keras_tensorboard,
        jax_clu,
        kohya_accelerate,
    )
}
# Files of the writers that say nothing of the training.
USELESS = ("*.lock", "debug*.log", "requirements.txt", "*.db-*", "latest-run", "hparams.yaml")


def main(names: list[str]) -> None:
    """Write each kind into its folder, in a process of its own: most writers keep a state."""
    if len(names) == 2:
        WRITERS[names[0]](Path(names[1]))
        return
    if len(names) == 1:
        with tempfile.TemporaryDirectory(prefix="fixture") as place:
            WRITERS[names[0]](Path(place))
            tidy(Path(place))
            shutil.rmtree(HERE / names[0], ignore_errors=True)
            shutil.copytree(place, HERE / names[0])
        return
    for name in WRITERS:
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
