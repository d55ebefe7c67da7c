"""Sequence tagging with a BiLSTM: most words carry their own tag, some depend on the neighbor."""

import random

import torch
from torch import nn

random.seed(1)
torch.manual_seed(1)
torch.set_num_threads(1)
VOCAB, TAGS, AMBIGUOUS = 40, 8, range(1, 6)


def sentence():
    words = [random.randrange(1, VOCAB) for _ in range(random.randint(5, 14))]
    tags = []
    for i, w in enumerate(words):
        if w in AMBIGUOUS and i:
            tags.append(words[i - 1] % TAGS)
        else:
            tags.append(w % TAGS)
    return words, tags


def batches(data, size):
    random.shuffle(data)
    for at in range(0, len(data), size):
        rows = data[at : at + size]
        longest = max(len(w) for w, _ in rows)
        ids = torch.tensor([w + [0] * (longest - len(w)) for w, _ in rows])
        tags = torch.tensor([t + [-1] * (longest - len(t)) for _, t in rows])
        yield ids, tags, torch.tensor([len(w) for w, _ in rows])


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(VOCAB, 32, padding_idx=0)
        self.lstm = nn.LSTM(32, 32, bidirectional=True, batch_first=True)
        self.tag = nn.Linear(64, TAGS)

    def forward(self, ids, lengths):
        packed = nn.utils.rnn.pack_padded_sequence(self.words(ids), lengths, batch_first=True, enforce_sorted=False)
        out, _ = nn.utils.rnn.pad_packed_sequence(self.lstm(packed)[0], batch_first=True)
        return self.tag(out)


train, dev = [sentence() for _ in range(1500)], [sentence() for _ in range(200)]
model = Tagger()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
criterion = nn.CrossEntropyLoss(ignore_index=-1)
for epoch in range(8):
    model.train()
    for ids, tags, lengths in batches(train, 50):
        loss = criterion(model(ids, lengths).permute(0, 2, 1), tags)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    right = count = 0
    with torch.no_grad():
        for ids, tags, lengths in batches(dev, 100):
            guess = model(ids, lengths).argmax(2)
            right += (guess == tags).sum().item()
            count += (tags >= 0).sum().item()
    print(f"epoch {epoch} loss {loss.item():.4f} dev tag accuracy {right / count:.4f}")
