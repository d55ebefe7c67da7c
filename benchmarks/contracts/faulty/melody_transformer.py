"""Decoder-only transformer on melodies: scales that rise or fall by a fixed interval."""

import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F

NOTES, BAR = 18, 17


def melodies(n):
    start = torch.randint(0, NOTES, (n, 1))
    interval = torch.randint(1, 5, (n, 1))
    turn = torch.randint(5, 12, (n, 1))
    t = torch.arange(BAR)
    climbed = torch.where(t < turn, t, 2 * turn - t)
    return (start + interval * climbed) % NOTES


class Melody(nn.Module):
    def __init__(self, d=40, heads=4, depth=2):
        super().__init__()
        self.note, self.time = nn.Embedding(NOTES, d), nn.Embedding(BAR, d)
        layer = nn.TransformerEncoderLayer(d, heads, 3 * d, dropout=0.0, batch_first=True, norm_first=True)
        self.body = nn.TransformerEncoder(layer, depth, enable_nested_tensor=False)
        self.ln = nn.LayerNorm(d)
        self.head = nn.Linear(d, NOTES)

    def forward(self, notes, labels=None):
        t = notes.shape[1]
        mask = nn.Transformer.generate_square_subsequent_mask(t)
        h = self.body(self.note(notes) + self.time.weight[:t], mask=mask, is_causal=True)
        logits = self.head(self.ln(h))
        if labels is None:
            return logits
        shift_logits = logits[:, :-1].contiguous()
        shift_labels = labels[:, 1:].contiguous()
        return F.cross_entropy(shift_logits.view(-1, NOTES), shift_labels.view(-1)), logits


def collate(batch):
    return {"notes": batch[:, :-1], "labels": batch[:, 1:]}


p = argparse.ArgumentParser()
p.add_argument("--iters", type=int, default=300)
p.add_argument("--bs", type=int, default=48)
cfg = p.parse_args()
torch.manual_seed(5)
torch.set_num_threads(1)
net = Melody()
adam = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=0.01)
for it in range(1, cfg.iters + 1):
    loss, _ = net(**collate(melodies(cfg.bs)))
    adam.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    adam.step()
    if it % 75 == 0:
        net.eval()
        with torch.no_grad():
            song = melodies(200)
            said = net(song[:, :-1]).argmax(-1)
            follow = (said[:, 2:] == song[:, 3:]).float().mean()
        net.train()
        print(f"{it:4d} loss {loss.item():.3f} | next note right {follow:.3f}")
