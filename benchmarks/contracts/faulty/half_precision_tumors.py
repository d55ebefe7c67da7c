"""Everything in half precision, to fit a small device."""

import torch
from sklearn.datasets import load_breast_cancer
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

DTYPE = torch.float16


class HalfNet(nn.Module):
    def __init__(self, features, classes):
        super().__init__()
        self.first = nn.Linear(features, 48)
        self.second = nn.Linear(48, 24)
        self.last = nn.Linear(24, classes)

    def forward(self, x):
        return self.last(torch.relu(self.second(torch.relu(self.first(x)))))


torch.manual_seed(5)
torch.set_num_threads(1)
data = load_breast_cancer()
x = torch.tensor(data.data, dtype=torch.float32)
x = (x - x.mean(0)) / x.std(0)
x, y = x.to(DTYPE), torch.tensor(data.target)
order = torch.randperm(len(x))
train = DataLoader(TensorDataset(x[order[:450]], y[order[:450]]), batch_size=30, shuffle=True)
test_x, test_y = x[order[450:]], y[order[450:]]

net = HalfNet(30, 2).to(DTYPE)
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
loss_fn = nn.CrossEntropyLoss()
for epoch in range(15):
    net.train()
    for inputs, targets in train:
        optimizer.zero_grad()
        loss = loss_fn(net(inputs).float(), targets)
        loss.backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        accuracy = (net(test_x).float().argmax(1) == test_y).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.4f} accuracy {accuracy:.4f}")
