"""Churn classifier; keeps the model of the best validation loss and tests it."""

import torch
from sklearn.datasets import make_classification
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class ChurnNet(nn.Sequential):
    def __init__(self, n):
        super().__init__(nn.Linear(n, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 1), nn.Flatten(0))


def load(seed=4):
    x, y = make_classification(1400, 40, n_informative=8, n_clusters_per_class=4, flip_y=0.1, random_state=seed)
    x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)
    cuts = {"train": (0, 600), "val": (600, 1000), "test": (1000, 1400)}
    return {k: TensorDataset(x[a:b], y[a:b]) for k, (a, b) in cuts.items()}


@torch.no_grad()
def evaluate(model, dataset, criterion):
    model.eval()
    x, y = dataset.tensors
    out = model(x)
    return criterion(out, y).item(), ((out > 0).float() == y).float().mean().item()


def fit(model, data, epochs=30):
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    loader = DataLoader(data["train"], batch_size=32, shuffle=True)
    best_loss, best_state, best_epoch = float("inf"), None, -1
    for epoch in range(epochs):
        model.train()
        for x, y in loader:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
        val_loss, val_acc = evaluate(model, data["val"], criterion)
        if val_loss < best_loss:
            best_loss, best_epoch = val_loss, epoch
            best_state = model.state_dict()
        print(f"epoch {epoch} train {loss.item():.4f} val {val_loss:.4f} acc {val_acc:.3f}")
    print(f"best epoch {best_epoch} with validation loss {best_loss:.4f}")
    model.load_state_dict(best_state)
    return evaluate(model, data["val"], criterion), evaluate(model, data["test"], criterion)


torch.manual_seed(8)
torch.set_num_threads(1)
val, test = fit(ChurnNet(40), load())
print("restored: val loss %.4f acc %.3f" % val, "test loss %.4f acc %.3f" % test)
