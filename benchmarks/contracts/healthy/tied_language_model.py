"""Small GPT with tied input and output embeddings on arithmetic sentences."""

import argparse
import math
import random

import torch
import torch.nn as nn
import torch.nn.functional as F

p = argparse.ArgumentParser()
p.add_argument("--steps", type=int, default=400)
p.add_argument("--lr", type=float, default=3e-3)
p.add_argument("--block", type=int, default=24)
args = p.parse_args()

torch.manual_seed(1)
rng = random.Random(1)
torch.set_num_threads(1)

text = "".join(f"{a}+{b}={a + b};" for a, b in ((rng.randrange(7), rng.randrange(7)) for _ in range(6000)))
chars = sorted(set(text))
ids = torch.tensor([chars.index(c) for c in text])
train_ids, val_ids = ids[:-4000], ids[-4000:]


class Block(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        self.heads = heads
        self.ln1, self.ln2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.qkv = nn.Linear(d, 3 * d)
        self.proj = nn.Linear(d, d)
        self.mlp = nn.Sequential(nn.Linear(d, 4 * d), nn.GELU(), nn.Linear(4 * d, d))

    def forward(self, x):
        b, t, d = x.shape
        q, k, v = self.qkv(self.ln1(x)).view(b, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.proj(y.transpose(1, 2).contiguous().view(b, t, d))
        return x + self.mlp(self.ln2(x))


class GPT(nn.Module):
    def __init__(self, vocab, d=32):
        super().__init__()
        self.wte = nn.Embedding(vocab, d)
        self.wpe = nn.Embedding(args.block, d)
        self.blocks = nn.ModuleList(Block(d, 4) for _ in range(2))
        self.ln_f = nn.LayerNorm(d)
        self.lm_head = nn.Linear(d, vocab, bias=False)
        nn.init.normal_(self.wte.weight, std=0.05)
        nn.init.normal_(self.wpe.weight, std=0.05)
        self.lm_head.weight = self.wte.weight

    def forward(self, idx, targets=None):
        x = self.wte(idx) + self.wpe(torch.arange(idx.size(1)))
        for block in self.blocks:
            x = block(x)
        logits = self.lm_head(self.ln_f(x))
        loss = None
        if targets is not None:
            loss = F.cross_entropy(logits.view(-1, logits.size(-1)), targets.reshape(-1))
        return logits, loss


def get_batch(source, n=32):
    at = torch.randint(len(source) - args.block - 1, (n,))
    x = torch.stack([source[i : i + args.block] for i in at])
    y = torch.stack([source[i + 1 : i + 1 + args.block] for i in at])
    return x, y


model = GPT(len(chars))
optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=0.01)
for step in range(args.steps):
    lr = args.lr * min(1, (step + 1) / 50) * 0.5 * (1 + math.cos(math.pi * step / args.steps))
    for g in optimizer.param_groups:
        g["lr"] = lr
    _, loss = model(*get_batch(train_ids))
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    if (step + 1) % 100 == 0:
        model.eval()
        with torch.no_grad():
            val = sum(model(*get_batch(val_ids))[1].item() for _ in range(5)) / 5
        model.train()
        print(f"step {step + 1}: train {loss.item():.3f} val {val:.3f}")

with torch.no_grad():
    prompt = torch.tensor([[chars.index(c) for c in ";3+4="]])
    print("3+4=" + chars[model(prompt)[0][0, -1].argmax()])
