"""SFT on both kinds of replies, then DPO towards the preferred kind against a frozen copy."""

import copy

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(13)
torch.set_num_threads(1)
VOCAB, LEN, PROMPT = 16, 10, 4


class Policy(nn.Module):
    def __init__(self, d=32):
        super().__init__()
        self.emb = nn.Embedding(VOCAB, d)
        self.gru = nn.GRU(d, d, batch_first=True)
        self.head = nn.Linear(d, VOCAB)

    def forward(self, ids):
        return self.head(self.gru(self.emb(ids))[0])


def replies(n):
    """Prompts with a rising (preferred) and a falling reply."""
    prompt = torch.randint(0, VOCAB, (n, PROMPT))
    k = torch.arange(1, LEN - PROMPT + 1)
    chosen = (prompt[:, -1:] + k) % VOCAB
    rejected = (prompt[:, -1:] - k) % VOCAB
    return torch.cat([prompt, chosen], 1), torch.cat([prompt, rejected], 1)


def sequence_logp(model, ids):
    logp = model(ids[:, :-1]).log_softmax(-1).gather(2, ids[:, 1:, None]).squeeze(2)
    return logp[:, PROMPT - 1 :].sum(1)


policy = Policy()
opt = torch.optim.Adam(policy.parameters(), lr=5e-3)
for _ in range(200):
    both = torch.cat(replies(32))
    loss = F.cross_entropy(policy(both[:, :-1]).flatten(0, 1), both[:, 1:].flatten())
    opt.zero_grad()
    loss.backward()
    opt.step()
print(f"sft loss {loss.item():.3f}")

reference = copy.deepcopy(policy).eval().requires_grad_(False)
opt = torch.optim.Adam(policy.parameters(), lr=5e-4)
beta = 0.2
for step in range(1, 121):
    chosen, rejected = replies(32)
    pi = sequence_logp(policy, chosen) - sequence_logp(policy, rejected)
    with torch.no_grad():
        ref = sequence_logp(reference, chosen) - sequence_logp(reference, rejected)
    loss = -F.logsigmoid(beta * (pi - ref)).mean()
    opt.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
    opt.step()
    if step % 30 == 0:
        margin = (beta * (pi - ref)).mean().item()
        print(f"dpo step {step} loss {loss.item():.3f} margin {margin:.2f} accuracy {(pi > ref).float().mean():.2f}")

start = torch.randint(0, VOCAB, (200, PROMPT))
ids = start
with torch.no_grad():
    for _ in range(LEN - PROMPT):
        ids = torch.cat([ids, policy(ids)[:, -1].argmax(-1, keepdim=True)], 1)
print(f"replies that rise: {((ids[:, PROMPT] - ids[:, PROMPT - 1]) % VOCAB == 1).float().mean():.2f}")
