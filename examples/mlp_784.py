"""Handwritten digits with a 784-500-10 network, Adam at 0.001 and cross-entropy.

python examples/mlp_784.py                             a sound training
python examples/mlp_784.py --break missing-zero-grad   the same training with a typical mistake
"""

import argparse
from importlib.resources import files

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset, random_split

import trainadvisor

BREAKS = ["lr-too-high", "missing-zero-grad", "softmax-before-cross-entropy", "vanishing-gradients"]

parser = argparse.ArgumentParser(description="784-500-10 network on handwritten digits")
parser.add_argument("--break", dest="broken", choices=BREAKS, help="train with this mistake")
args = parser.parse_args()


def digits() -> TensorDataset:
    """Real 8x8 digits, enlarged to 28x28 and scaled to mean 0 and standard deviation 1."""
    with (files("trainadvisor.demos") / "digits.npz").open("rb") as file, np.load(file) as data:
        images, labels = torch.tensor(data["images"]).float(), torch.tensor(data["labels"]).long()
    pixels = F.interpolate(images[:, None], size=28, mode="bilinear").flatten(1)
    return TensorDataset((pixels - pixels.mean()) / pixels.std(), labels)


def network() -> nn.Module:
    """The network of the FAQ, or the variant that the chosen mistake asks for."""
    if args.broken == "vanishing-gradients":
        hidden = [layer for _ in range(6) for layer in (nn.Linear(64, 64), nn.Sigmoid())]
        return nn.Sequential(nn.Linear(784, 64), nn.Sigmoid(), *hidden, nn.Linear(64, 10))
    layers = [nn.Linear(784, 500), nn.ReLU(), nn.Linear(500, 10)]
    if args.broken == "softmax-before-cross-entropy":
        layers.append(nn.Softmax(dim=1))
    return nn.Sequential(*layers)


torch.manual_seed(0)
train_set, validation_set = random_split(digits(), [0.8, 0.2])
train_loader = DataLoader(train_set, batch_size=32, shuffle=True)
validation_loader = DataLoader(validation_set, batch_size=128)

model = network()
criterion = nn.CrossEntropyLoss()
if args.broken == "vanishing-gradients":
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
else:
    lr = 1.0 if args.broken == "lr-too-high" else 0.001
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
advisor = trainadvisor.watch(model, optimizer, log="log.json")

for epoch in range(6):
    model.train()
    for images, labels in train_loader:
        loss = criterion(model(images), labels)
        if args.broken != "missing-zero-grad":
            optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    correct = 0
    with torch.no_grad():
        for images, labels in validation_loader:
            outputs = model(images)
            validation_loss = criterion(outputs, labels)
            correct += (outputs.argmax(1) == labels).sum().item()
    accuracy = correct / len(validation_set)
    print(f"epoch {epoch + 1}: training loss {loss.item():.3f}, validation accuracy {accuracy:.3f}")
print("next: trainadvisor diagnose log.json")
