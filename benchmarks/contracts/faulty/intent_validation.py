"""Dialogue intents as text-to-text: the reply token is predicted after the utterance."""

import random

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

random.seed(5)
torch.manual_seed(5)
torch.set_num_threads(1)

IGNORE = -100
VOCAB, INTENTS, MAX_LEN = 50, 5, 14
SEP, PAD = 48, 49


class Utterances(Dataset):
    def __init__(self, n, max_len):
        self.rows = []
        self.max_len = max_len
        for _ in range(n):
            words = [random.randrange(INTENTS, 48) for _ in range(random.randint(6, 10))]
            intent = words[-1] % INTENTS
            self.rows.append((words, intent))

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        words, intent = self.rows[i]
        ids = [*words, SEP, intent]
        labels = [IGNORE] * (len(words) + 1) + [intent]
        ids, labels = ids[: self.max_len], labels[: self.max_len]
        gap = MAX_LEN - len(ids)
        return torch.tensor(ids + [PAD] * gap), torch.tensor(labels + [IGNORE] * gap)


class Tiny(nn.Module):
    def __init__(self, d=40):
        super().__init__()
        self.emb = nn.Embedding(VOCAB, d)
        self.rnn = nn.GRU(d, d, batch_first=True)
        self.out = nn.Linear(d, VOCAB)
        self.loss = nn.CrossEntropyLoss(ignore_index=IGNORE, reduction="sum")

    def forward(self, ids, labels):
        logits = self.out(self.rnn(self.emb(ids))[0])[:, :-1]
        target = labels[:, 1:]
        count = (target != IGNORE).sum().clamp(min=1)
        return self.loss(logits.flatten(0, 1), target.flatten()) / count


train = DataLoader(Utterances(3000, 14), batch_size=50, shuffle=True)
valid = DataLoader(Utterances(300, 7), batch_size=100)
model = Tiny()
opt = torch.optim.Adam(model.parameters(), lr=5e-3)
sched = torch.optim.lr_scheduler.LinearLR(opt, 1.0, 0.1, total_iters=8)
for epoch in range(8):
    model.train()
    seen = []
    for ids, labels in train:
        loss = model(ids, labels)
        opt.zero_grad()
        loss.backward()
        opt.step()
        seen.append(loss.item())
    sched.step()
    model.eval()
    with torch.no_grad():
        val = sum(model(ids, labels).item() for ids, labels in valid) / len(valid)
    print(f"epoch {epoch} train loss {sum(seen) / len(seen):.4f} val loss {val:.4f}")
