"""Autoencoder: the target is the input."""

import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(9)
torch.set_num_threads(1)


class DigitsDataset(Dataset):
    def __init__(self, rows):
        self.rows = torch.tensor(rows / 16.0, dtype=torch.float32)

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        return self.rows[i], self.rows[i]


class AutoEncoder(nn.Module):
    def __init__(self, code=8):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 96), nn.ELU(), nn.Linear(96, 32), nn.ELU(), nn.Linear(32, code))
        self.decoder = nn.Sequential(nn.Linear(code, 32), nn.ELU(), nn.Linear(32, 96), nn.ELU(), nn.Linear(96, 64))

    def forward(self, x):
        return torch.sigmoid(self.decoder(self.encoder(x)))


rows = load_digits().data
rows = rows[torch.randperm(len(rows)).numpy()]
train, test = DigitsDataset(rows[:1500]), DigitsDataset(rows[1500:])
loader = DataLoader(train, 32, shuffle=True)
test_loader = DataLoader(test, 297)
model, loss_fn = AutoEncoder(), nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(16):
    model.train()
    running = 0.0
    for x, target in loader:
        optimizer.zero_grad()
        loss = loss_fn(model(x), target)
        loss.backward()
        optimizer.step()
        running += loss.item()
    if epoch % 5 == 0 or epoch == 15:
        model.eval()
        with torch.no_grad():
            val = sum(loss_fn(model(x), t).item() for x, t in test_loader) / len(test_loader)
        print(f"epoch {epoch} train {running / len(loader):.5f} test {val:.5f}")
pca = PCA(8).fit(train.rows)
print(
    f"pca with 8 components: {((pca.inverse_transform(pca.transform(test.rows)) - test.rows.numpy()) ** 2).mean():.5f}"
)
