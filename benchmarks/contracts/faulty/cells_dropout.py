"""Cell microscopy stand-in: a small convolutional network with functional dropout."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset


class CellNet(nn.Module):
    def __init__(self, n_classes=10, drop=0.5):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 24, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(24, 32, kernel_size=3, padding=1)
        self.fc1 = nn.Linear(32 * 4, 64)
        self.fc2 = nn.Linear(64, n_classes)
        self.drop = drop

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = F.dropout(x.flatten(1), self.drop)
        x = F.dropout(F.relu(self.fc1(x)), self.drop)
        return self.fc2(x)


def run_epoch(net, loader, optimizer):
    net.train()
    losses = []
    for images, labels in loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(net(images), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return sum(losses) / len(losses)


@torch.no_grad()
def test(net, loader):
    net.eval()
    outputs = [(net(images), labels) for images, labels in loader]
    logits, labels = (torch.cat(part) for part in zip(*outputs, strict=True))
    return F.cross_entropy(logits, labels).item(), (logits.argmax(1) == labels).float().mean().item()


torch.manual_seed(17)
torch.set_num_threads(1)
digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16
parts = train_test_split(images, torch.tensor(digits.target), test_size=400, random_state=17)
train = DataLoader(TensorDataset(parts[0], parts[2]), batch_size=50, shuffle=True)
val = DataLoader(TensorDataset(parts[1], parts[3]), batch_size=100)
net = CellNet()
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
for epoch in range(12):
    train_loss = run_epoch(net, train, optimizer)
    val_loss, val_acc = test(net, val)
    print(f"epoch {epoch:2d}  train {train_loss:.4f}  val {val_loss:.4f}  accuracy {val_acc:.4f}")
