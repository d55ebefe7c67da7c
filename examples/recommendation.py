"""Recommendation from implicit feedback: embeddings of users and items, sampled negatives, BCE with logits.

python examples/recommendation.py                                 a sound training
python examples/recommendation.py --break missing-optimizer-step  the same training with a typical mistake
"""

import argparse

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import trainadvisor

BREAKS = ["lr-too-high", "missing-optimizer-step", "overfitting"]
USERS, ITEMS = 200, 150

parser = argparse.ArgumentParser(description="matrix factorisation on generated clicks")
parser.add_argument("--break", dest="broken", choices=BREAKS, help="train with this mistake")
args = parser.parse_args()


def clicks(count: int, taste: torch.Tensor, kind: torch.Tensor) -> TensorDataset:
    """Pairs of user and item: clicked (1) by taste, or not clicked (0)."""
    user, item = torch.randint(USERS, (count,)), torch.randint(ITEMS, (count,))
    liking = (taste[user] * kind[item]).sum(1)
    return TensorDataset(user, item, torch.bernoulli(torch.sigmoid(3 * liking)))


class Recommender(nn.Module):
    """The score of a pair is the product of two embeddings plus a bias of each."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.users, self.items = nn.Embedding(USERS, width), nn.Embedding(ITEMS, width)
        self.user_bias, self.item_bias = nn.Embedding(USERS, 1), nn.Embedding(ITEMS, 1)
        for table in (self.users, self.items, self.user_bias, self.item_bias):
            nn.init.normal_(table.weight, std=0.1)

    def forward(self, user: torch.Tensor, item: torch.Tensor) -> torch.Tensor:
        """The logit that the user clicks on the item."""
        product = (self.users(user) * self.items(item)).sum(1)
        return product + self.user_bias(user).squeeze(1) + self.item_bias(item).squeeze(1)


torch.manual_seed(0)
taste, kind = torch.randn(USERS, 4), torch.randn(ITEMS, 4)
few = args.broken == "overfitting"
train_loader = DataLoader(clicks(2_000 if few else 16_000, taste, kind), batch_size=128, shuffle=True)
validation_loader = DataLoader(clicks(2_000, taste, kind), batch_size=500)

model = Recommender(width=64 if few else 8)
criterion = nn.BCEWithLogitsLoss()
lr = 3.0 if args.broken == "lr-too-high" else 0.01
optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.0 if few else 0.3)
advisor = trainadvisor.watch(model, optimizer, log="log.json")

for epoch in range(25 if few else 6):
    model.train()
    for user, item, clicked in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(user, item), clicked)
        loss.backward()
        if args.broken != "missing-optimizer-step":
            optimizer.step()
    model.eval()
    right = 0
    with torch.no_grad():
        for user, item, clicked in validation_loader:
            logits = model(user, item)
            validation_loss = criterion(logits, clicked)
            right += ((logits > 0) == (clicked > 0.5)).sum().item()
    print(f"epoch {epoch + 1}: training loss {loss.item():.3f}, validation accuracy {right / 2_000:.3f}")
print("next: trainadvisor diagnose log.json")
