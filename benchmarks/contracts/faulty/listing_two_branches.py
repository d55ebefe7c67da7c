"""Two inputs, one score: attributes of a listing and its thumbnail."""

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(22)
torch.set_num_threads(1)


class Listings(Dataset):
    def __init__(self, n):
        self.attributes = torch.randn(n, 10)
        quality = torch.randint(0, 2, (n,)).float()
        canvas = torch.randint(0, 200, (n, 3, 8, 8)).float()
        canvas[:, 0, 2:6, 2:6] += quality[:, None, None] * 55
        self.thumbnails = canvas.clamp(0, 255).byte()
        score = self.attributes[:, 0] - self.attributes[:, 1] + 1.5 * (quality * 2 - 1)
        self.sold = (score + 0.2 * torch.randn(n) > 0).float()

    def __len__(self):
        return len(self.sold)

    def __getitem__(self, i):
        return self.attributes[i], self.thumbnails[i], self.sold[i]


class TwoBranch(nn.Module):
    def __init__(self):
        super().__init__()
        self.attribute_branch = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 16))
        self.image_branch = nn.Sequential(
            nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(),
            nn.Flatten(), nn.Linear(256, 16),
        )  # fmt: skip
        self.head = nn.Sequential(nn.ReLU(), nn.Linear(32, 1))

    def forward(self, attributes, thumbnail):
        a = self.attribute_branch(attributes)
        b = self.image_branch(thumbnail.float())
        return self.head(torch.cat([a, b], 1)).squeeze(1)


train, test = DataLoader(Listings(2000), batch_size=50, shuffle=True), DataLoader(Listings(400), batch_size=100)
net = TwoBranch()
opt = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
criterion = nn.BCEWithLogitsLoss()
for epoch in range(8):
    net.train()
    total = 0.0
    for attributes, thumbnail, sold in train:
        opt.zero_grad()
        loss = criterion(net(attributes, thumbnail), sold)
        loss.backward()
        opt.step()
        total += loss.item()
    net.eval()
    with torch.no_grad():
        right = sum(((net(a, t) > 0).float() == s).sum().item() for a, t, s in test)
    print(f"epoch {epoch} loss {total / len(train):.4f} accuracy {right / 400:.3f}")
