"""The adding problem with a vanilla RNN, trained by a small Trainer class."""

import torch
from torch import nn


def adding_problem(batch, length):
    while True:
        values = torch.rand(batch, length)
        marks = torch.zeros(batch, length)
        first = torch.randint(0, length // 2, (batch,))
        second = torch.randint(length // 2, length, (batch,))
        rows = torch.arange(batch)
        marks[rows, first] = 1
        marks[rows, second] = 1
        yield torch.stack([values, marks], 2), values[rows, first] + values[rows, second]


class AddingRNN(nn.Module):
    def __init__(self, hidden=48):
        super().__init__()
        self.rnn = nn.RNN(2, hidden, batch_first=True, nonlinearity="relu")
        with torch.no_grad():
            self.rnn.weight_hh_l0.copy_(torch.eye(hidden))
        self.readout = nn.Linear(hidden, 1)

    def forward(self, x):
        return self.readout(self.rnn(x)[0][:, -1]).squeeze(1)


class Trainer:
    def __init__(self, model, lr, max_norm):
        self.model = model
        self.optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
        self.max_norm = max_norm

    def train_step(self, x, y):
        self.optimizer.zero_grad()
        loss = nn.functional.mse_loss(self.model(x), y)
        loss.backward()
        self.optimizer.step()
        nn.utils.clip_grad_norm_(self.model.parameters(), self.max_norm)
        return loss.item()


if __name__ == "__main__":
    torch.manual_seed(3)
    torch.set_num_threads(1)
    trainer = Trainer(AddingRNN(), lr=0.05, max_norm=0.5)
    stream = adding_problem(32, 10)
    history = []
    for step in range(1, 801):
        history.append(trainer.train_step(*next(stream)))
        if step % 200 == 0:
            print(f"step {step:4d}  mse {sum(history[-50:]) / 50:.5f}  worst {max(history[-100:]):.3f}")
