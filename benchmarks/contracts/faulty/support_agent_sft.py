"""Supervised fine-tuning of replies: long tickets, short answers."""

import random

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

TOPICS, FILLER, ANSWERS = 6, 60, 6
FIRST_FILLER, FIRST_ANSWER = TOPICS, TOPICS + FILLER
ASK, REPLY, END, PAD = (FIRST_ANSWER + ANSWERS + i for i in range(4))
VOCAB = PAD + 1


class Tickets(Dataset):
    def __init__(self, n):
        self.rows = [self._row() for _ in range(n)]

    @staticmethod
    def _row():
        words = [random.randrange(FIRST_FILLER, FIRST_ANSWER) for _ in range(random.randint(10, 14))]
        topic = random.randrange(TOPICS)
        words[random.randrange(10)] = topic
        return [ASK, *words, REPLY], [FIRST_ANSWER + topic, END]

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        return self.rows[i]


def collate(rows):
    width = max(len(p) + len(r) for p, r in rows)
    ids = torch.tensor([p + r + [PAD] * (width - len(p) - len(r)) for p, r in rows])
    labels = ids.masked_fill(ids == PAD, -100)
    at = torch.tensor([len(p) - 1 for p, _ in rows])
    return {"input_ids": ids, "labels": labels}, at, torch.tensor([r[0] for _, r in rows])


class SmallDecoder(nn.Module):
    def __init__(self, d=40):
        super().__init__()
        self.wte = nn.Embedding(VOCAB, d)
        self.gru = nn.GRU(d, d, batch_first=True)
        self.lm_head = nn.Linear(d, VOCAB)

    def forward(self, input_ids, labels=None):
        logits = self.lm_head(self.gru(self.wte(input_ids))[0])
        loss = None
        if labels is not None:
            loss = F.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten(), ignore_index=-100)
        return {"loss": loss, "logits": logits}


random.seed(8)
torch.manual_seed(8)
torch.set_num_threads(1)
train = DataLoader(Tickets(1600), batch_size=40, shuffle=True, collate_fn=collate)
test = DataLoader(Tickets(200), batch_size=100, collate_fn=collate)
model = SmallDecoder()
optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)
for epoch in range(5):
    model.train()
    for batch, _, _ in train:
        loss = model(**batch)["loss"]
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    model.eval()
    with torch.no_grad():
        right = 0
        for batch, at, answer in test:
            logits = model(batch["input_ids"])["logits"]
            right += (logits[torch.arange(len(at)), at].argmax(1) == answer).sum().item()
    print(f"epoch {epoch} loss {loss.item():.4f} answers right {right / 200:.3f}")
