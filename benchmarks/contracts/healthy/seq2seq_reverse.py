"""Encoder-decoder transformer that reverses strings of letters."""

import torch
from torch import nn

torch.manual_seed(6)
torch.set_num_threads(1)
PAD, BOS, EOS, LETTERS = 0, 1, 2, 12
VOCAB = LETTERS + 3


def make_batch(n, longest=7):
    lengths = torch.randint(3, longest + 1, (n,))
    src = torch.zeros(n, longest, dtype=torch.long)
    tgt = torch.zeros(n, longest + 2, dtype=torch.long)
    for i, length in enumerate(lengths.tolist()):
        word = torch.randint(3, VOCAB, (length,))
        src[i, :length] = word
        tgt[i, : length + 2] = torch.cat([torch.tensor([BOS]), word.flip(0), torch.tensor([EOS])])
    return src, tgt


class Seq2Seq(nn.Module):
    def __init__(self, d=48):
        super().__init__()
        self.src_emb, self.tgt_emb = nn.Embedding(VOCAB, d, PAD), nn.Embedding(VOCAB, d, PAD)
        self.pos = nn.Embedding(16, d)
        self.core = nn.Transformer(d, 4, 1, 1, 96, dropout=0.0, batch_first=True, norm_first=True)
        self.out = nn.Linear(d, VOCAB)

    def forward(self, src, tgt):
        pad = src == PAD
        causal = torch.triu(torch.ones(tgt.shape[1], tgt.shape[1], dtype=torch.bool), 1)
        h = self.core(
            self.src_emb(src) + self.pos.weight[: src.shape[1]],
            self.tgt_emb(tgt) + self.pos.weight[: tgt.shape[1]],
            tgt_mask=causal, src_key_padding_mask=pad, memory_key_padding_mask=pad, tgt_key_padding_mask=tgt == PAD,
        )  # fmt: skip
        return self.out(h)


@torch.no_grad()
def greedy(model, src, steps=9):
    out = torch.full((len(src), 1), BOS)
    for _ in range(steps - 1):
        out = torch.cat([out, model(src, out)[:, -1].argmax(-1, keepdim=True)], 1)
    return out


model = Seq2Seq()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
criterion = nn.CrossEntropyLoss(ignore_index=PAD)
for step in range(1, 401):
    src, tgt = make_batch(48)
    logits = model(src, tgt[:, :-1])
    loss = criterion(logits.reshape(-1, VOCAB), tgt[:, 1:].reshape(-1))
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    if step % 100 == 0:
        model.eval()
        src, tgt = make_batch(100)
        guess = greedy(model, src)
        keep = tgt != PAD
        exact = ((guess == tgt) | ~keep).all(1).float().mean()
        print(f"step {step} loss {loss.item():.3f} exact match {exact:.2f}")
        model.train()
