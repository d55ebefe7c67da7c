"""Early stopping with patience; the best weights are deep-copied and restored at the end."""

import copy

import torch
from sklearn.datasets import make_classification
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.manual_seed(14)
torch.set_num_threads(1)

x, y = make_classification(
    2400, 30, n_informative=10, n_clusters_per_class=3, class_sep=1.2, flip_y=0.02, random_state=1
)
full = TensorDataset(torch.tensor(x, dtype=torch.float32), torch.tensor(y))
train, val, test = random_split(full, [1200, 600, 600])
loaders = {k: DataLoader(s, 64, shuffle=k == "train") for k, s in zip(("train", "val", "test"), (train, val, test))}


class EarlyStopping:
    def __init__(self, patience):
        self.patience, self.best, self.wait, self.state = patience, float("inf"), 0, None

    def __call__(self, loss, model):
        if loss < self.best:
            self.best, self.wait = loss, 0
            self.state = copy.deepcopy(model.state_dict())
        else:
            self.wait += 1
        return self.wait > self.patience


def run(model, loader, opt=None):
    model.train(opt is not None)
    loss_sum = hits = n = 0
    with torch.set_grad_enabled(opt is not None):
        for xb, yb in loader:
            out = model(xb)
            loss = nn.functional.cross_entropy(out, yb)
            if opt is not None:
                opt.zero_grad()
                loss.backward()
                opt.step()
            loss_sum += loss.item() * len(yb)
            hits += (out.argmax(1) == yb).sum().item()
            n += len(yb)
    return loss_sum / n, hits / n


model = nn.Sequential(nn.Linear(30, 128), nn.ReLU(), nn.Dropout(0.2), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=1.5e-3, weight_decay=1e-4)
stopper = EarlyStopping(patience=5)
for epoch in range(40):
    tl, ta = run(model, loaders["train"], optimizer)
    vl, va = run(model, loaders["val"])
    print(f"epoch {epoch:2d} train {tl:.3f}/{ta:.3f} val {vl:.3f}/{va:.3f}")
    if stopper(vl, model):
        print("stopping early")
        break
model.load_state_dict(stopper.state)
print("test loss %.3f acc %.3f" % run(model, loaders["test"]))
