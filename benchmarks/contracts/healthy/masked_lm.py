"""BERT-style masked language modeling on sequences that count up or down modulo a number."""

import random

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(0)
random.seed(0)
torch.set_num_threads(1)
PAD, MASK, FIRST, N = 0, 1, 2, 20


class Counting(Dataset):
    def __init__(self, size):
        self.data = []
        for _ in range(size):
            start, step = random.randrange(N), random.choice([1, 2, -1])
            self.data.append([(start + step * i) % N + FIRST for i in range(random.randint(10, 16))])

    def __len__(self):
        return len(self.data)

    def __getitem__(self, index):
        return self.data[index]


def mlm_collate(rows, rate=0.15):
    width = max(map(len, rows))
    ids = torch.tensor([r + [PAD] * (width - len(r)) for r in rows])
    labels = ids.clone()
    chosen = (torch.rand(ids.shape) < rate) & (ids != PAD)
    labels[~chosen] = -100
    ids[chosen & (torch.rand(ids.shape) < 0.8)] = MASK
    noise = chosen & (ids != MASK) & (torch.rand(ids.shape) < 0.5)
    ids[noise] = torch.randint(FIRST, FIRST + N, ids.shape)[noise]
    return {"input_ids": ids, "attention_mask": ids != PAD, "labels": labels}


class MaskedLM(nn.Module):
    def __init__(self, d=32):
        super().__init__()
        self.tok, self.pos = nn.Embedding(FIRST + N, d), nn.Embedding(16, d)
        layer = nn.TransformerEncoderLayer(d, 4, 64, 0.0, "gelu", batch_first=True, norm_first=True)
        self.enc = nn.TransformerEncoder(layer, 2, nn.LayerNorm(d), enable_nested_tensor=False)
        self.head = nn.Linear(d, FIRST + N)

    def forward(self, input_ids, attention_mask, labels=None):
        h = self.tok(input_ids) + self.pos.weight[: input_ids.shape[1]]
        logits = self.head(self.enc(h, src_key_padding_mask=~attention_mask))
        loss = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=-100)
        return loss, logits


model = MaskedLM()
opt = torch.optim.Adam(model.parameters(), lr=3e-3)
train = DataLoader(Counting(3000), 100, shuffle=True, collate_fn=mlm_collate)
test = DataLoader(Counting(500), 100, collate_fn=mlm_collate)
for epoch in range(10):
    model.train()
    for batch in train:
        loss, _ = model(**batch)
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
    model.eval()
    right = total = 0
    with torch.no_grad():
        for batch in test:
            _, logits = model(**batch)
            where = batch["labels"] != -100
            right += (logits.argmax(-1) == batch["labels"])[where].sum().item()
            total += where.sum().item()
    print(f"epoch {epoch} loss {loss.item():.3f} masked accuracy {right / total:.3f}")
