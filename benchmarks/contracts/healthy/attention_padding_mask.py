"""Sentiment of short padded reviews with a transformer encoder."""

import random

import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(0)
random.seed(0)
torch.set_num_threads(1)

PAD, CLS, VOCAB = 0, 1, 60
GOOD, BAD = range(2, 12), range(12, 22)


class Reviews(Dataset):
    def __init__(self, n):
        self.rows = []
        for _ in range(n):
            words = [random.randrange(2, VOCAB) for _ in range(random.randint(4, 16))]
            score = sum(w in GOOD for w in words) - sum(w in BAD for w in words)
            if score == 0:
                words.append(random.choice(GOOD))
                score = 1
            self.rows.append((torch.tensor([CLS, *words]), int(score > 0)))

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        return self.rows[i]


def collate(batch):
    ids, labels = zip(*batch, strict=True)
    return pad_sequence(ids, batch_first=True, padding_value=PAD), torch.tensor(labels)


class Classifier(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.emb = nn.Embedding(VOCAB, dim, padding_idx=PAD)
        self.pos = nn.Parameter(torch.randn(1, 40, dim) * 0.02)
        layer = nn.TransformerEncoderLayer(dim, 4, 64, dropout=0.1, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.out = nn.Linear(dim, 2)

    def forward(self, ids):
        mask = ids == PAD
        x = self.emb(ids) + self.pos[:, : ids.size(1)]
        x = self.encoder(x, src_key_padding_mask=mask)
        return self.out(x[:, 0])


train_dl = DataLoader(Reviews(2000), batch_size=64, shuffle=True, collate_fn=collate)
val_dl = DataLoader(Reviews(600), batch_size=128, collate_fn=collate)
model = Classifier()
opt = torch.optim.AdamW(model.parameters(), lr=3e-3)
crit = nn.CrossEntropyLoss()

for epoch in range(5):
    model.train()
    total = 0.0
    for ids, y in train_dl:
        opt.zero_grad()
        loss = crit(model(ids), y)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        total += loss.item()
    model.eval()
    with torch.no_grad():
        hits = sum((model(ids).argmax(1) == y).sum().item() for ids, y in val_dl)
    print(f"epoch {epoch} loss {total / len(train_dl):.3f} val acc {hits / 600:.3f}")
