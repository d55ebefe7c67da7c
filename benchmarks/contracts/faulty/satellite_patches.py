"""Land cover from four-band patches stored as height x width x band."""

import torch
from torch import nn, optim
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(1)
torch.set_num_threads(1)

SIZE, BANDS, CLASSES = 12, 4, 6


class Patches(Dataset):
    def __init__(self, n):
        self.labels = torch.randint(0, CLASSES, (n,))
        self.tiles = torch.randn(n, SIZE, SIZE, BANDS) * 0.6
        for i, k in enumerate(self.labels.tolist()):
            r, c = torch.randint(0, SIZE - 4, (2,)).tolist()
            band, kind = k % 2, k // 2
            if kind == 0:
                self.tiles[i, r : r + 4, c : c + 4, band] += 1.2
            elif kind == 1:
                self.tiles[i, r, :, band] += 1.2
            else:
                self.tiles[i, :, c, band] += 1.2

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return self.tiles[i], self.labels[i]


class LandCover(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(BANDS, 24, 3, padding=1), nn.BatchNorm2d(24), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(24, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        )  # fmt: skip
        self.head = nn.Linear(32, CLASSES)

    def forward(self, tiles):
        x = tiles.reshape(-1, BANDS, SIZE, SIZE)
        return self.head(self.features(x))


train_loader = DataLoader(Patches(1500), batch_size=50, shuffle=True)
val_loader = DataLoader(Patches(300), batch_size=100)
model = LandCover()
optimizer = optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
loss_fn = nn.CrossEntropyLoss()
for epoch in range(8):
    model.train()
    total = 0
    for tiles, labels in train_loader:
        loss = loss_fn(model(tiles), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    model.eval()
    with torch.no_grad():
        hits = sum((model(t).argmax(1) == y).sum().item() for t, y in val_loader)
    print(f"Epoch {epoch + 1}: loss={total / len(train_loader):.3f} val_acc={hits / 300:.3f}")
