"""Plain gradient descent, momentum, RMSProp and Adam side by side on one task, each with its own log.

python examples/optimizers.py                       each optimizer with a learning rate that suits it
python examples/optimizers.py --break lr-too-high   all four with the rate of plain gradient descent, a typical mistake
"""

import argparse
from importlib.resources import files

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

import trainadvisor

parser = argparse.ArgumentParser(description="four optimizers on one task")
parser.add_argument("--break", dest="broken", choices=["lr-too-high"], help="train with this mistake")
args = parser.parse_args()

RATES = {"gradient-descent": 0.5, "momentum": 0.03, "rmsprop": 0.001, "adam": 0.001}
if args.broken == "lr-too-high":
    RATES = dict.fromkeys(RATES, RATES["gradient-descent"])


def digits() -> TensorDataset:
    """Real 8x8 digits, scaled to mean 0 and standard deviation 1."""
    with (files("trainadvisor.demos") / "digits.npz").open("rb") as file, np.load(file) as data:
        images, labels = torch.tensor(data["images"]).float().flatten(1), torch.tensor(data["labels"]).long()
    return TensorDataset((images - images.mean()) / images.std(), labels)


def make_optimizer(name: str, model: nn.Module) -> torch.optim.Optimizer:
    """The optimizer of this name with its learning rate."""
    if name == "gradient-descent":
        return torch.optim.SGD(model.parameters(), lr=RATES[name])
    if name == "momentum":
        return torch.optim.SGD(model.parameters(), lr=RATES[name], momentum=0.9)
    if name == "rmsprop":
        return torch.optim.RMSprop(model.parameters(), lr=RATES[name])
    return torch.optim.Adam(model.parameters(), lr=RATES[name])


def validate(model: nn.Module, loader: DataLoader) -> tuple[float, float]:
    """The mean loss and the accuracy on the validation set."""
    model.eval()
    with torch.no_grad():
        parts = [
            (criterion(outputs := model(images), labels), outputs.argmax(1) == labels) for images, labels in loader
        ]
    return float(sum(loss for loss, _ in parts) / len(parts)), float(
        torch.cat([hit for _, hit in parts]).float().mean()
    )


def train(name: str) -> tuple[float, float]:
    """Train one network with this optimizer and return its validation loss and accuracy."""
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = make_optimizer(name, model)
    with trainadvisor.watch(model, optimizer, log=f"{name}.json"):
        for _ in range(6):
            model.train()
            for images, labels in train_loader:
                optimizer.zero_grad()
                criterion(model(images), labels).backward()
                optimizer.step()
            result = validate(model, validation_loader)
    return result


torch.manual_seed(0)
criterion = nn.CrossEntropyLoss()
train_set, validation_set = random_split(digits(), [0.8, 0.2])
train_loader = DataLoader(train_set, batch_size=32, shuffle=True)
validation_loader = DataLoader(validation_set, batch_size=len(validation_set))

print(f"{'optimizer':18}{'lr':>8}{'loss':>9}{'accuracy':>10}")
for name in RATES:
    validation_loss, accuracy = train(name)
    print(f"{name:18}{RATES[name]:>8g}{validation_loss:>9.3f}{accuracy:>10.3f}")
print("next: trainadvisor diagnose adam.json")
