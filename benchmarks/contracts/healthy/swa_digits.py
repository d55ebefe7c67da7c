import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.optim.swa_utils import SWALR, AveragedModel, update_bn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(6)
torch.set_num_threads(1)


class SmallCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1, self.b1 = nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16)
        self.c2, self.b2 = nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.BatchNorm2d(32)
        self.fc = nn.Linear(32 * 16, 10)

    def forward(self, x):
        x = torch.relu(self.b1(self.c1(x)))
        x = torch.relu(self.b2(self.c2(x)))
        return self.fc(x.flatten(1))


def evaluate(model, loader):
    model.eval()
    correct = 0
    with torch.inference_mode():
        for x, y in loader:
            correct += model(x).argmax(1).eq(y).sum().item()
    return correct / len(loader.dataset)


bunch = load_digits()
X = torch.from_numpy(bunch.images).float().unsqueeze(1) / 8 - 1
Y = torch.from_numpy(bunch.target)
order = torch.randperm(len(X))
train = DataLoader(TensorDataset(X[order[:1440]], Y[order[:1440]]), 48, shuffle=True)
test = DataLoader(TensorDataset(X[order[1440:]], Y[order[1440:]]), 119)

model = SmallCNN()
swa_model = AveragedModel(model)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
swa_start, epochs = 4, 9
swa_scheduler = SWALR(optimizer, swa_lr=0.02, anneal_epochs=2)
for epoch in range(epochs):
    model.train()
    for x, y in train:
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch >= swa_start:
        swa_model.update_parameters(model)
        swa_scheduler.step()
    print(f"epoch {epoch}: loss {loss.item():.4f} acc {evaluate(model, test):.4f}")
update_bn(train, swa_model)
print(f"swa acc {evaluate(swa_model, test):.4f}")
