"""Fine-tunes a backbone that was trained under DataParallel on few labeled digits."""

import io

import torch
from sklearn.datasets import load_digits
from torch import nn


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, stride=2, padding=1)
        self.fc = nn.Linear(512, 48)

    def forward(self, x):
        x = torch.relu(self.conv2(torch.relu(self.conv1(x))))
        return torch.relu(self.fc(x.flatten(1)))


class Classifier(nn.Module):
    def __init__(self, classes=10):
        super().__init__()
        self.encoder = Encoder()
        self.head = nn.Linear(48, classes)

    def forward(self, x):
        return self.head(self.encoder(x))


def train(model, x, y, epochs, lr, size=32, tag=""):
    optimizer = torch.optim.Adam(filter(lambda p: p.requires_grad, model.parameters()), lr=lr)
    for epoch in range(epochs):
        model.train()
        for idx in torch.randperm(len(x)).split(size):
            loss = nn.functional.cross_entropy(model(x[idx]), y[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if (epoch + 1) % 5 == 0:
            print(f"{tag} epoch {epoch + 1} loss {loss.item():.4f}")


def save_checkpoint(model, file):
    torch.save({"state_dict": {f"module.{k}": v for k, v in model.state_dict().items()}, "epoch": 5}, file)


torch.manual_seed(0)
torch.set_num_threads(1)
digits = load_digits()
x = torch.tensor(digits.images, dtype=torch.float32)[:, None] / 16
y = torch.tensor(digits.target)
big, small, held = slice(0, 1200), slice(1200, 1260), slice(1260, None)

file = io.BytesIO()
pretrained = Classifier()
train(pretrained, x[big], y[big], 5, 2e-3, tag="pretrain")
save_checkpoint(pretrained, file)

file.seek(0)
model = Classifier()
checkpoint = torch.load(file)
model.load_state_dict(checkpoint["state_dict"], strict=False)
for p in model.encoder.parameters():
    p.requires_grad = False
print(f"loaded checkpoint of epoch {checkpoint['epoch']}")
train(model, x[small], y[small], 40, 5e-3, size=20, tag="finetune")
model.eval()
with torch.no_grad():
    print(f"accuracy {(model(x[held]).argmax(1) == y[held]).float().mean():.3f}")
