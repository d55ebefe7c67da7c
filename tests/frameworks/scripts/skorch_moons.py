"""Two moons, by skorch: probabilities and the default criterion, which takes their logarithm."""

import torch
from sklearn.datasets import make_moons
from skorch import NeuralNetClassifier
from skorch.callbacks import EpochScoring
from torch import nn

torch.manual_seed(0)
x, y = make_moons(1500, noise=0.15, random_state=0)
x, y = x.astype("float32"), y.astype("int64")


class Moons(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.hidden = nn.Sequential(nn.Linear(2, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())
        self.output = nn.Linear(width, 2)

    def forward(self, x):
        return torch.softmax(self.output(self.hidden(x)), dim=-1)


net = NeuralNetClassifier(
    Moons,
    max_epochs=20,
    lr=0.01,
    batch_size=32,
    optimizer=torch.optim.Adam,
    iterator_train__shuffle=True,
    callbacks=[EpochScoring("accuracy", lower_is_better=False, name="acc")],
)
net.fit(x, y)
