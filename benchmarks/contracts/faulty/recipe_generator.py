"""Writes lists of ingredients; a list ends with the end token, which also fills up the batch."""

import random

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader

STARCH, GREEN, SPICE = ["rice", "pasta", "bread"], ["leek", "peas", "kale", "beet"], ["salt", "chili", "basil"]
TOKENS = ["<s>", "</s>", *STARCH, *GREEN, *SPICE]
INDEX = {t: i for i, t in enumerate(TOKENS)}
BOS, EOS = 0, 1


class Tokenizer:
    bos_token_id, eos_token_id, pad_token_id = BOS, EOS, EOS

    def encode(self, words):
        return [self.bos_token_id, *(INDEX[w] for w in words), self.eos_token_id]

    def pad(self, rows):
        longest = max(len(r) for r in rows)
        ids = torch.tensor([r + [self.pad_token_id] * (longest - len(r)) for r in rows])
        labels = ids.clone()
        labels[labels == self.pad_token_id] = -100
        return {"input_ids": ids, "labels": labels}


def recipe():
    words = [random.choice(STARCH)]
    words += random.sample(GREEN, random.randint(1, 3))
    return [*words, random.choice(SPICE)]


class Writer(nn.Module):
    def __init__(self, d=32):
        super().__init__()
        self.embedding = nn.Embedding(len(TOKENS), d)
        self.gru = nn.GRU(d, d, batch_first=True)
        self.lm_head = nn.Linear(d, len(TOKENS))

    def forward(self, input_ids, labels):
        logits = self.lm_head(self.gru(self.embedding(input_ids))[0])
        loss = F.cross_entropy(logits[:, :-1].transpose(1, 2), labels[:, 1:], ignore_index=-100)
        return {"loss": loss, "logits": logits}

    @torch.no_grad()
    def generate(self, n, limit=12):
        ids, open_ = torch.full((n, 1), BOS), torch.ones(n, dtype=torch.bool)
        for _ in range(limit):
            logits = self.lm_head(self.gru(self.embedding(ids))[0][:, -1])
            nxt = torch.distributions.Categorical(logits=logits).sample()
            ids = torch.cat([ids, torch.where(open_, nxt, EOS)[:, None]], 1)
            open_ &= nxt != EOS
        return ids, open_


random.seed(2)
torch.manual_seed(2)
torch.set_num_threads(1)
tokenizer = Tokenizer()
data = [tokenizer.encode(recipe()) for _ in range(2000)]
loader = DataLoader(data, batch_size=40, shuffle=True, collate_fn=tokenizer.pad)
model = Writer()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(8):
    total = 0.0
    model.train()
    for batch in loader:
        loss = model(**batch)["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    model.eval()
    written, unfinished = model.generate(100)
    print(f"epoch {epoch} loss {total / len(loader):.3f} lists that never end {unfinished.float().mean():.2f}")
print(" ".join(TOKENS[i] for i in written[0]))
