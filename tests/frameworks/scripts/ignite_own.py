"""A small network on digits, by ignite, with steps of one's own and a schedule."""

import torch
import torch.nn.functional as F
from ignite.engine import Engine, Events
from ignite.handlers import LRScheduler
from ignite.metrics import Accuracy, Loss
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
digits = load_digits()
x = torch.tensor(digits.data, dtype=torch.float32) / 16
y = torch.tensor(digits.target)
train = DataLoader(TensorDataset(x[:1440], y[:1440]), batch_size=32, shuffle=True)
val = DataLoader(TensorDataset(x[1440:], y[1440:]), batch_size=64)
model = nn.Sequential(
    nn.Linear(64, 128), nn.ReLU(), nn.Dropout(0.3), nn.Linear(128, 64), nn.ReLU(), nn.Dropout(0.3), nn.Linear(64, 10)
)
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)


def train_step(engine, batch):
    model.train()
    images, labels = batch
    optimizer.zero_grad()
    loss = F.cross_entropy(model(images), labels)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
    optimizer.step()
    return loss.item()


def eval_step(engine, batch):
    model.eval()
    with torch.no_grad():
        images, labels = batch
        return model(images), labels


trainer, evaluator = Engine(train_step), Engine(eval_step)
Accuracy().attach(evaluator, "accuracy")
Loss(F.cross_entropy).attach(evaluator, "loss")
schedule = LRScheduler(torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.1, total_iters=450))
trainer.add_event_handler(Events.ITERATION_COMPLETED, schedule)


@trainer.on(Events.EPOCH_COMPLETED)
def validate(engine):
    metrics = evaluator.run(val).metrics
    print(engine.state.epoch, engine.state.output, metrics["loss"], metrics["accuracy"])


trainer.run(train, max_epochs=10)
