"""Recurrent language model over log lines; the model computes its own loss."""

import random
from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

TEMPLATES = ["open door {d} ok", "close door {d} ok", "user {d} logs in", "user {d} logs out", "disk {d} full"]


@dataclass
class LMOutput:
    loss: torch.Tensor
    logits: torch.Tensor


class LogLines(Dataset):
    def __init__(self, lines, vocab, block=24):
        text = "\n".join(lines)
        self.ids = torch.tensor([vocab[c] for c in text])
        self.block = block

    def __len__(self):
        return (len(self.ids) - 1) // self.block

    def __getitem__(self, i):
        chunk = self.ids[i * self.block : (i + 1) * self.block]
        return {"input_ids": chunk, "labels": chunk.clone()}


class RecurrentLM(nn.Module):
    def __init__(self, n, d=48):
        super().__init__()
        self.embed = nn.Embedding(n, d)
        self.rnn = nn.LSTM(d, d, batch_first=True)
        self.head = nn.Linear(d, n)

    def forward(self, input_ids, labels=None):
        logits = self.head(self.rnn(self.embed(input_ids))[0])
        loss = None
        if labels is not None:
            loss = nn.functional.cross_entropy(logits.reshape(-1, logits.shape[-1]), labels.reshape(-1))
        return LMOutput(loss, logits)


def main():
    random.seed(0)
    torch.manual_seed(0)
    torch.set_num_threads(1)
    lines = [random.choice(TEMPLATES).format(d=random.randrange(10)) for _ in range(2200)]
    chars = sorted(set("\n".join(lines)))
    vocab = {c: i for i, c in enumerate(chars)}
    train = DataLoader(LogLines(lines[:2000], vocab), batch_size=32, shuffle=True)
    val = DataLoader(LogLines(lines[2000:], vocab), batch_size=32)
    model = RecurrentLM(len(chars))
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)
    for epoch in range(6):
        model.train()
        for batch in train:
            out = model(**batch)
            optimizer.zero_grad()
            out.loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            val_loss = sum(model(**b).loss.item() for b in val) / len(val)
        print(f"epoch {epoch} train {out.loss.item():.4f} val {val_loss:.4f} perplexity {2.718281828**val_loss:.3f}")
    ids = torch.tensor([[vocab[c] for c in "open "]])
    with torch.no_grad():
        for _ in range(20):
            ids = torch.cat([ids, model(ids).logits[:, -1:].argmax(-1)], 1)
    print(repr("".join(chars[i] for i in ids[0])))


main()
