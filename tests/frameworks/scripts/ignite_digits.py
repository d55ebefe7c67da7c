"""A small network on digits, by ignite."""

import json

import torch
from ignite.engine import Events, create_supervised_evaluator, create_supervised_trainer
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
model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
criterion = nn.CrossEntropyLoss()
trainer = create_supervised_trainer(model, optimizer, criterion)
evaluator = create_supervised_evaluator(model, {"loss": Loss(criterion), "accuracy": Accuracy()})
losses, eval_losses, accuracies = [], [], []
trainer.add_event_handler(Events.ITERATION_COMPLETED, lambda engine: losses.append(engine.state.output))


@trainer.on(Events.EPOCH_COMPLETED)
def validate(_):
    evaluator.run(val)
    eval_losses.append(evaluator.state.metrics["loss"])
    accuracies.append(evaluator.state.metrics["accuracy"])


trainer.run(train, max_epochs=6)
print("FIGURES", json.dumps({
    "steps": trainer.state.iteration,
    "losses": losses,
    "eval_losses": eval_losses,
    "eval_accuracies": accuracies,
    "rates": [2e-3],
    "epochs": 6,
    "batch_size": 32,
    "parameters": sum(p.numel() for p in model.parameters()),
}))  # fmt: skip
