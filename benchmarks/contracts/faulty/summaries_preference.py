"""Preference optimization of a small summarizer against its starting point."""

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(41)
torch.set_num_threads(1)
VOCAB, DOC, SUMMARY = 20, 8, 3


class Summarizer(nn.Module):
    def __init__(self, d=40):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, d)
        self.lstm = nn.LSTM(d, d, batch_first=True)
        self.out = nn.Linear(d, VOCAB)

    def logp(self, doc, summary):
        ids = torch.cat([doc, summary], 1)
        logits = self.out(self.lstm(self.embed(ids[:, :-1]))[0])[:, DOC - 1 :]
        return logits.log_softmax(-1).gather(-1, summary.unsqueeze(-1)).squeeze(-1).sum(-1)


class PreferenceTrainer:
    def __init__(self, policy, reference=None, beta=0.3, lr=1e-3):
        self.policy = policy
        self.reference = reference or policy
        self.beta = beta
        self.optimizer = torch.optim.AdamW(policy.parameters(), lr=lr)

    def step(self, doc, good, bad):
        gap = self.policy.logp(doc, good) - self.policy.logp(doc, bad)
        with torch.no_grad():
            base = self.reference.logp(doc, good) - self.reference.logp(doc, bad)
        loss = -F.logsigmoid(self.beta * (gap - base)).mean()
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.policy.parameters(), 1.0)
        self.optimizer.step()
        return loss.item(), gap.mean().item()


def documents(n):
    doc = torch.randint(0, VOCAB, (n, DOC))
    return doc, doc.sort(1, descending=True).values[:, :SUMMARY], doc[:, :SUMMARY]


def warm_up(model, steps):
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    for step in range(steps):
        doc, good, bad = documents(48)
        loss = -torch.cat([model.logp(doc, good), model.logp(doc, bad)]).mean() / SUMMARY
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if (step + 1) % 50 == 0:
            print(f"warm-up {step + 1}: {loss.item():.3f}")


model = Summarizer()
warm_up(model, 150)
trainer = PreferenceTrainer(model)
for step in range(1, 201):
    loss, gap = trainer.step(*documents(48))
    if step % 40 == 0:
        print(f"step {step}: loss {loss:.4f} log-probability gap {gap:.3f}")
