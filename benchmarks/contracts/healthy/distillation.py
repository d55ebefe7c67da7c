"""Knowledge distillation: a frozen teacher, a small student with soft and hard targets."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(10)
torch.set_num_threads(1)

X, Y = load_digits(return_X_y=True)
X, Y = torch.tensor(X, dtype=torch.float32).div(16), torch.tensor(Y)
perm = torch.randperm(len(X))
tr = DataLoader(TensorDataset(X[perm[:1400]], Y[perm[:1400]]), batch_size=50, shuffle=True)
te = DataLoader(TensorDataset(X[perm[1400:]], Y[perm[1400:]]), batch_size=397)


def mlp(*sizes):
    layers = []
    for a, b in zip(sizes, sizes[1:]):
        layers += [nn.Linear(a, b), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def test(net):
    net.eval()
    with torch.no_grad():
        return sum((net(x).argmax(1) == y).float().mean().item() for x, y in te) / len(te)


def train_teacher(net, epochs=12):
    opt = torch.optim.Adam(net.parameters(), lr=2e-3)
    for _ in range(epochs):
        net.train()
        for x, y in tr:
            opt.zero_grad()
            F.cross_entropy(net(x), y).backward()
            opt.step()
    return test(net)


def distill(student, teacher, epochs=25, T=3.0, a=0.7):
    teacher.eval()
    for p in teacher.parameters():
        p.requires_grad_(False)
    opt = torch.optim.Adam(student.parameters(), lr=5e-3)
    for epoch in range(epochs):
        student.train()
        for x, y in tr:
            with torch.no_grad():
                soft = F.softmax(teacher(x) / T, dim=1)
            logits = student(x)
            kd = F.kl_div(F.log_softmax(logits / T, dim=1), soft, reduction="batchmean") * T * T
            loss = a * kd + (1 - a) * F.cross_entropy(logits, y)
            opt.zero_grad()
            loss.backward()
            opt.step()
        if (epoch + 1) % 5 == 0:
            print(f"epoch {epoch + 1}: loss {loss.item():.4f} student acc {test(student):.4f}")


teacher, student = mlp(64, 128, 64, 10), mlp(64, 16, 10)
print(f"teacher acc {train_teacher(teacher):.4f}")
distill(student, teacher)
