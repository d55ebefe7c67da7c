"""Measures what recording adds to a step of a framework's training: thread CPU, recorded and plain runs in turns.

KERAS_BACKEND=torch python benchmarks/frameworks.py [--rounds 3] [--steps 600] [--count [--most 0]] [NAME ...]
Each run is a process of its own; counted are steps after the first half, by the clock of the thread that trains: a
busy machine changes little. A row tells the least of each kind over the rounds. Frameworks that are not installed are
left out. With --count it is the bytecode instructions of ours a step, sampled steps apart: the same on a busy machine;
with --most N the costliest functions, too, with their instructions and calls a step.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
import tempfile
from pathlib import Path

_CLOCK = """
import time
class Clock:
    def __init__(self): self.steps, self.begun = 0, 0.0
    def step(self):
        self.steps += 1
        if self.steps == STEPS // 2: self.begun = time.thread_time()
        if self.steps == STEPS: print("STEP_MS", 1e3 * (time.thread_time() - self.begun) / (STEPS - STEPS // 2))
clock = Clock()
"""
_COUNT = """
import sys
sys.path.insert(0, BENCHMARKS)
from instructions import Counts
class Clock:
    def __init__(self): self.steps, self.counts = 0, Counts()
    def step(self):
        self.steps += 1
        if self.steps == STEPS - COUNTED - 10:
            from trainadvisor.record.sampling import Tier
            Tier._gap = lambda *_: float("inf")
        if self.steps == STEPS - COUNTED: sys.settrace(self.counts.enter)
        if self.steps == STEPS:
            sys.settrace(None)
            counted, instructions, calls = COUNTED, self.counts.instructions, self.counts.calls
            print("STEP_MS", instructions.total() / counted)
            for name, many in instructions.most_common(MOST):
                print(f"  {many / counted:8.1f} {calls[name] / counted:6.2f}x {name}")
clock = Clock()
"""
_HF = """
import torch
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainerCallback, TrainingArguments
ids = torch.randint(2, 34, (320, 16))
rows = [{"input_ids": row, "labels": int(row[0] - 2) // 8} for row in ids]
config = BertConfig(vocab_size=34, hidden_size=WIDTH, num_hidden_layers=2, num_attention_heads=2,
                    intermediate_size=2 * WIDTH, num_labels=4)
args = TrainingArguments("out", learning_rate=2e-3, max_steps=STEPS, per_device_train_batch_size=32, report_to=[],
                         save_strategy="no", use_cpu=True, disable_tqdm=True)
class Step(TrainerCallback):
    def on_step_end(self, *args, **kwargs): clock.step()
Trainer(BertForSequenceClassification(config), args, train_dataset=rows, callbacks=[Step()]).train()
"""
_LIGHTNING = """
import lightning, torch, torch.nn.functional as F
from torch import nn
data = torch.utils.data.TensorDataset(torch.randn(3200, 64), torch.randint(10, (3200,)))
class Net(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(64, WIDTH), nn.ReLU(), nn.Linear(WIDTH, 10))
    def training_step(self, batch, _): return F.cross_entropy(self.net(batch[0]), batch[1])
    def on_train_batch_end(self, *_): clock.step()
    def configure_optimizers(self): return torch.optim.Adam(self.parameters(), lr=2e-3)
lightning.Trainer(max_steps=STEPS, max_epochs=-1, accelerator="cpu", logger=False, enable_checkpointing=False,
                  enable_progress_bar=False, enable_model_summary=False,
                  ).fit(Net(), torch.utils.data.DataLoader(data, 32, shuffle=True))
"""
_KERAS = """
import keras, numpy as np
rng = np.random.default_rng(0)
x, y = rng.normal(size=(32 * STEPS, 64)).astype("float32"), rng.integers(10, size=32 * STEPS)
class Step(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None): clock.step()
model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(WIDTH, activation="relu"), keras.layers.Dense(10)])
model.compile(optimizer=keras.optimizers.Adam(2e-3),
              loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
model.fit(x, y, batch_size=32, epochs=1, verbose=0, callbacks=[Step()])
"""
_LIGHTNING_LOGS = """
import lightning, torch, torch.nn.functional as F, torchmetrics
from torch import nn
data = torch.utils.data.TensorDataset(torch.randn(3200, 64), torch.randint(10, (3200,)))
class Net(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(64, WIDTH), nn.ReLU(), nn.Linear(WIDTH, 10))
        self.accuracy = torchmetrics.Accuracy("multiclass", num_classes=10)
    def forward(self, x): return self.net(x)
    def training_step(self, batch, _):
        scores = self(batch[0])
        loss = F.cross_entropy(scores, batch[1])
        self.log("train_loss", loss)
        self.log("train_accuracy", self.accuracy(scores, batch[1]))
        return loss
    def on_train_batch_end(self, *_): clock.step()
    def configure_optimizers(self):
        optimizer = torch.optim.AdamW(self.parameters(), lr=2e-3)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
lightning.Trainer(max_steps=STEPS, max_epochs=-1, accelerator="cpu", logger=False, enable_checkpointing=False,
                  gradient_clip_val=1.0, enable_progress_bar=False, enable_model_summary=False,
                  ).fit(Net(), torch.utils.data.DataLoader(data, 32, shuffle=True))
"""
_KERAS_FUNCTIONAL = """
import keras, numpy as np
rng = np.random.default_rng(0)
x, y = rng.normal(size=(3200, 64)).astype("float32"), rng.integers(10, size=3200)
class Step(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None): clock.step()
inputs = keras.Input((64,))
hidden = keras.layers.Dropout(0.1)(keras.layers.Dense(WIDTH, activation="relu")(inputs))
model = keras.Model(inputs, keras.layers.Dense(10, activation="softmax")(hidden))
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x, y, batch_size=32, epochs=-(-STEPS // 100), verbose=0, callbacks=[Step()], validation_data=(x[:64], y[:64]))
"""
_HF_CAUSAL = """
import torch
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainerCallback, TrainingArguments
rows = [{"input_ids": row, "labels": row} for row in torch.randint(2, 34, (320, 16))]
config = GPT2Config(vocab_size=34, n_embd=WIDTH, n_layer=2, n_head=2, n_positions=32)
args = TrainingArguments("out", learning_rate=2e-3, max_steps=STEPS, per_device_train_batch_size=8, report_to=[],
                         save_strategy="no", use_cpu=True, disable_tqdm=True)
class Step(TrainerCallback):
    def on_step_end(self, *args, **kwargs): clock.step()
Trainer(GPT2LMHeadModel(config), args, train_dataset=rows, callbacks=[Step()]).train()
"""
_FASTAI = """
import torch
from fastai.callback.core import Callback
from fastai.callback.schedule import Learner
from fastai.data.core import DataLoaders
from fastai.data.load import DataLoader
from fastai.losses import CrossEntropyLossFlat
from torch import nn
rows = list(zip(torch.randn(3200, 64), torch.randint(10, (3200,))))
loaders = DataLoaders(DataLoader(rows, bs=32, shuffle=True, num_workers=0), DataLoader(rows[:64], bs=32, num_workers=0))
class Step(Callback):
    def after_batch(self):
        if self.training: clock.step()
net = nn.Sequential(nn.Linear(64, WIDTH), nn.ReLU(), nn.Linear(WIDTH, 10))
learner = Learner(loaders, net, loss_func=CrossEntropyLossFlat(), cbs=[Step()])
with learner.no_bar(), learner.no_logging(): learner.fit_one_cycle(-(-STEPS // 100), 2e-3)
"""
_SKORCH = """
import numpy as np, skorch, torch
from torch import nn
x = np.random.default_rng(0).normal(size=(3200, 64)).astype("float32")
y = np.random.default_rng(1).integers(10, size=3200)
class Step(skorch.callbacks.Callback):
    def on_batch_end(self, net, training=False, **_):
        if training: clock.step()
skorch.NeuralNetClassifier(
    nn.Sequential(nn.Linear(64, WIDTH), nn.ReLU(), nn.Linear(WIDTH, 10)), criterion=nn.CrossEntropyLoss,
    optimizer=torch.optim.Adam, lr=2e-3, max_epochs=-(-STEPS // 100), batch_size=32, train_split=None, verbose=0,
    iterator_train__shuffle=True, callbacks=[Step()],
).fit(x, y)
"""
_IGNITE = """
import torch, torch.nn.functional as F
from ignite.engine import Events, create_supervised_trainer
from torch import nn
data = torch.utils.data.TensorDataset(torch.randn(3200, 64), torch.randint(10, (3200,)))
model = nn.Sequential(nn.Linear(64, WIDTH), nn.ReLU(), nn.Linear(WIDTH, 10))
trainer = create_supervised_trainer(model, torch.optim.Adam(model.parameters(), lr=2e-3), F.cross_entropy)
trainer.add_event_handler(Events.ITERATION_COMPLETED, lambda engine: clock.step())
trainer.run(torch.utils.data.DataLoader(data, 32, shuffle=True), max_epochs=-(-STEPS // 100))
"""
_ACCELERATE = """
import torch, torch.nn.functional as F
from accelerate import Accelerator
from torch import nn
data = torch.utils.data.TensorDataset(torch.randn(3200, 64), torch.randint(10, (3200,)))
model = nn.Sequential(nn.Linear(64, WIDTH), nn.ReLU(), nn.Linear(WIDTH, 10))
accelerator = Accelerator(cpu=True)
model, optimizer, loader = accelerator.prepare(
    model, torch.optim.Adam(model.parameters(), lr=2e-3), torch.utils.data.DataLoader(data, 32, shuffle=True))
for epoch in range(-(-STEPS // 100)):
    for x, y in loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        accelerator.backward(loss)
        optimizer.step()
        clock.step()
"""
# The last steps, whose instructions are counted.
_COUNTED = 160
# What torchvision's wheel lacks beside a torch for processors.
_SITE = Path(__file__).resolve().parents[1] / "tests/frameworks/site"
# What has to be installed, the script, and the width of its layers.
TRAININGS = {
    "hf quick start": ("transformers", _HF, 32),
    "hf, wider": ("transformers", _HF, 256),
    "hf causal": ("transformers", _HF_CAUSAL, 32),
    "lightning quick start": ("lightning", _LIGHTNING, 64),
    "lightning, wider": ("lightning", _LIGHTNING, 2048),
    "lightning that logs": ("lightning", _LIGHTNING_LOGS, 64),
    "keras quick start": ("keras", _KERAS, 64),
    "keras, wider": ("keras", _KERAS, 2048),
    "keras functional": ("keras", _KERAS_FUNCTIONAL, 64),
    "fastai quick start": ("fastai", _FASTAI, 64),
    "skorch quick start": ("skorch", _SKORCH, 64),
    "skorch, wider": ("skorch", _SKORCH, 2048),
    "ignite quick start": ("ignite", _IGNITE, 64),
    "ignite, wider": ("ignite", _IGNITE, 2048),
    "accelerate quick start": ("accelerate", _ACCELERATE, 64),
    "accelerate, wider": ("accelerate", _ACCELERATE, 2048),
}


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(TRAININGS)}; default: all")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--count", action="store_true", help="count instructions instead")
    parser.add_argument("--most", type=int, default=0, help="functions that are listed with their instructions")
    asked = parser.parse_args()
    if asked.count:
        _count(asked)
        return
    print("| training | plain ms a step | recorded ms a step | more |\n|---|---|---|---|")
    for name, (package, source, width) in TRAININGS.items():
        if importlib.util.find_spec(package) and (not asked.names or name in asked.names):
            script = f"STEPS, WIDTH = {asked.steps}, {width}\n{_CLOCK}{source}"
            rounds = [(_step(script, []), _step(script, ["-m", "trainadvisor", "run"])) for _ in range(asked.rounds)]
            plain, recorded = (min(times) for times in zip(*rounds, strict=True))
            print(f"| {name} | {plain:.2f} | {recorded:.2f} | {recorded / plain - 1:+.1%} |", flush=True)


def _count(asked: argparse.Namespace) -> None:
    """Print how many instructions of ours a step takes."""
    print("| training | instructions a step |\n|---|---|")
    known = {"STEPS": asked.steps, "COUNTED": _COUNTED, "MOST": asked.most, "BENCHMARKS": str(Path(__file__).parent)}
    for name, (package, source, width) in TRAININGS.items():
        if importlib.util.find_spec(package) and (not asked.names or name in asked.names):
            head = "\n".join(f"{word} = {value!r}" for word, value in {**known, "WIDTH": width}.items())
            told = _told(f"{head}\n{_COUNT}{source}", ["-m", "trainadvisor", "run"])
            figure, _, rows = told.partition("\n")
            print(f"| {name} | {float(figure):.0f} |", flush=True)
            for row in rows.splitlines()[: asked.most]:
                print(row, flush=True)


def _step(script: str, words: list[str]) -> float:
    """Return the milliseconds of a step of a run."""
    return float(_told(script, words).split()[0])


def _told(script: str, words: list[str]) -> str:
    """Return what the clock of a run tells."""
    environment = {"KERAS_BACKEND": "torch", "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", **os.environ}
    environment["PYTHONPATH"] = os.pathsep.join([str(_SITE), *filter(None, [os.environ.get("PYTHONPATH")])])
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "train.py").write_text(script, encoding="utf-8")
        command = [sys.executable, *words, "train.py"]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.partition("STEP_MS ")[2]


if __name__ == "__main__":
    main()
