"""GRPO: a small policy learns to emit rising digits; advantages are normalized in each group."""

import torch
from torch import nn

torch.manual_seed(17)
torch.set_num_threads(1)

VOCAB, STEPS, GROUP, PROMPTS = 8, 5, 16, 8


class Policy(nn.Module):
    def __init__(self, hidden=48):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, hidden)
        self.cell = nn.GRUCell(hidden, hidden)
        self.head = nn.Linear(hidden, VOCAB)

    def start(self, prompt):
        return self.cell(self.embed(prompt))

    def logits(self, h):
        return self.head(h)

    @torch.no_grad()
    def sample(self, prompt):
        h, out = self.start(prompt), []
        for _ in range(STEPS):
            token = torch.distributions.Categorical(logits=self.logits(h)).sample()
            out.append(token)
            h = self.cell(self.embed(token), h)
        return torch.stack(out, 1)

    def log_probs(self, prompt, tokens):
        h, out = self.start(prompt), []
        for t in range(STEPS):
            out.append(self.logits(h).log_softmax(-1))
            h = self.cell(self.embed(tokens[:, t]), h)
        every = torch.stack(out, 1)
        entropy = -(every.exp() * every).sum(-1).mean()
        return every.gather(2, tokens[:, :, None]).squeeze(2), entropy


def reward(prompt, tokens):
    seq = torch.cat([prompt[:, None], tokens], 1)
    return ((seq[:, 1:] - seq[:, :-1]) % VOCAB == 1).float().mean(1)


policy = Policy()
optimizer = torch.optim.Adam(policy.parameters(), lr=3e-3)
eps = 0.2
for it in range(1, 201):
    prompt = torch.randint(0, VOCAB, (PROMPTS,)).repeat_interleave(GROUP)
    tokens = policy.sample(prompt)
    r = reward(prompt, tokens).view(PROMPTS, GROUP)
    adv = ((r - r.mean(1, keepdim=True)) / (r.std(1, keepdim=True) + 1e-4)).view(-1)
    with torch.no_grad():
        old, _ = policy.log_probs(prompt, tokens)
    for _ in range(2):
        logp, entropy = policy.log_probs(prompt, tokens)
        ratio = (logp - old).exp()
        surrogate = torch.min(ratio * adv[:, None], ratio.clamp(1 - eps, 1 + eps) * adv[:, None])
        loss = -surrogate.mean() - 0.02 * entropy
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
        optimizer.step()
    if it % 50 == 0:
        print(f"iteration {it} mean reward {r.mean():.3f}")
