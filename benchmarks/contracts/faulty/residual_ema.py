"""Small residual network with an exponential moving average that is used for validation."""

import copy

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F


class EMA:
    def __init__(self, model, decay):
        self.shadow = copy.deepcopy(model)
        self.decay = decay
        self.shadow.eval()

    @torch.no_grad()
    def step(self, model):
        live = dict(model.named_parameters())
        for name, param in self.shadow.named_parameters():
            param.mul_(self.decay).add_(live[name], alpha=1 - self.decay)


class Residual(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(c, c, 3, padding=1, bias=False), nn.BatchNorm2d(c)
        self.conv2, self.bn2 = nn.Conv2d(c, c, 3, padding=1, bias=False), nn.BatchNorm2d(c)

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(x + self.bn2(self.conv2(y)))


def build():
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(),
        Residual(16), Residual(16), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(64, 10),
    )  # fmt: skip


@torch.no_grad()
def validate(net, x, y):
    out = torch.cat([net(b) for b in x.split(128)])
    return F.cross_entropy(out, y).item(), (out.argmax(1) == y).float().mean().item()


torch.manual_seed(0)
torch.set_num_threads(1)
digits = load_digits()
images = torch.tensor(digits.images[:, None], dtype=torch.float32)
labels = torch.tensor(digits.target)
images = (images - images.mean()) / images.std()
order = torch.randperm(len(labels))
train_idx, val_idx = order[:1400], order[1400:]
net = build()
ema = EMA(net, decay=0.95)
optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)
for epoch in range(8):
    net.train()
    for idx in train_idx[torch.randperm(len(train_idx))].split(50):
        loss = F.cross_entropy(net(images[idx]), labels[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        ema.step(net)
    val_loss, val_acc = validate(ema.shadow, images[val_idx], labels[val_idx])
    print(f"epoch {epoch} train {loss.item():.4f} val {val_loss:.4f} acc {val_acc:.4f}")
