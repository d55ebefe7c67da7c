"""Instruction tuning on packed sequences: documents see only themselves, prompts carry no loss."""

import random
from types import SimpleNamespace

import torch
from torch import nn
from torch.nn import functional as F

random.seed(0)
torch.manual_seed(0)
torch.set_num_threads(1)

WORDS = ["<pad>", "<eos>", "<user>", "<bot>", *"abcdefgh", "up", "same", "double"]
ID = {w: i for i, w in enumerate(WORDS)}
LETTERS, IGNORE, WIDTH = "abcdefgh", -100, 40


def example():
    task = random.choice(["up", "same", "double"])
    word = random.choices(LETTERS, k=random.randint(2, 3))
    answer = {
        "up": [LETTERS[(LETTERS.index(c) + 1) % 8] for c in word],
        "same": word,
        "double": [c for c in word for _ in (0, 1)],
    }[task]
    prompt = [ID[w] for w in ["<user>", task, *word, "<bot>"]]
    reply = [ID[w] for w in [*answer, "<eos>"]]
    return prompt + reply, [IGNORE] * len(prompt) + reply


def pack():
    ids, labels, docs, doc = [], [], [], 0
    while True:
        i, lab = example()
        if len(ids) + len(i) > WIDTH:
            break
        ids, labels, docs, doc = ids + i, labels + lab, docs + [doc] * len(i), doc + 1
    rest = WIDTH - len(ids)
    return ids + [ID["<pad>"]] * rest, labels + [IGNORE] * rest, docs + [-1] * rest


def batch(n=24):
    return tuple(torch.tensor(t) for t in zip(*(pack() for _ in range(n)), strict=True))


class Decoder(nn.Module):
    def __init__(self, d=48, heads=4, layers=2):
        super().__init__()
        self.heads = heads
        self.embed = nn.Embedding(len(WORDS), d)
        self.place = nn.Embedding(WIDTH, d)
        layer = nn.TransformerEncoderLayer(d, heads, 4 * d, 0.0, "gelu", batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, layers, nn.LayerNorm(d), enable_nested_tensor=False)
        self.lm_head = nn.Linear(d, len(WORDS))

    def forward(self, input_ids, docs, labels=None):
        t = input_ids.shape[1]
        starts = (docs[:, 1:] != docs[:, :-1]).long()
        first = F.pad(starts * torch.arange(1, t), (1, 0)).cummax(1).values
        allowed = (docs[:, :, None] == docs[:, None, :]) & torch.ones(t, t, dtype=torch.bool).tril()
        h = self.embed(input_ids) + self.place(torch.arange(t) - first)
        logits = self.lm_head(self.layers(h, mask=~allowed.repeat_interleave(self.heads, 0)))
        loss = None
        if labels is not None:
            loss = F.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten(), ignore_index=IGNORE)
        return SimpleNamespace(loss=loss, logits=logits)


model = Decoder()
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
warmup = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: min(1.0, (s + 1) / 20))
for step in range(1, 221):
    ids, labels, docs = batch()
    out = model(ids, docs, labels)
    optimizer.zero_grad()
    out.loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    warmup.step()
    if step % 55 == 0:
        model.eval()
        with torch.no_grad():
            ids, labels, docs = batch()
            logits = model(ids, docs).logits
            keep = labels[:, 1:] != IGNORE
            acc = (logits[:, :-1].argmax(-1) == labels[:, 1:])[keep].float().mean()
        model.train()
        print(f"step {step} loss {out.loss.item():.3f} reply token accuracy {acc:.3f}")
