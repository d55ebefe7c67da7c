"""Advantage actor-critic on batches of one-step decisions with noisy rewards."""

import json
import random
import sys

import torch
from torch import nn
from torch.nn import functional as F

FAULT, SEED = sys.argv[1], int(sys.argv[2])
torch.manual_seed(SEED)
random.seed(SEED)
STATES, ACTIONS = 8, 4
worth, level = torch.randn(STATES, ACTIONS), 5 * torch.randn(STATES)


class ActorCritic(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(STATES, width), nn.Tanh())
        self.actor, self.critic = nn.Linear(width, ACTIONS), nn.Linear(width, 1)

    def forward(self, s):
        h = self.body(F.one_hot(s, STATES).float())
        return torch.distributions.Categorical(logits=self.actor(h)), self.critic(h)


net = ActorCritic(random.choice([32, 64]))
optimizer = torch.optim.Adam(net.parameters(), lr=random.uniform(4e-3, 1e-2))
batch, weight = random.choice([16, 32]), 1e4 if FAULT == "value_drowns" else 0.5
for step in range(600):
    s = torch.randint(0, STATES, (batch,))
    policy, value = net(s)
    a = policy.sample()
    reward = worth[s, a] + level[s] + 0.3 * torch.randn(batch)
    advantage = reward - value if FAULT == "broadcast" else reward - value.squeeze(1)
    chosen = advantage.detach() * policy.log_prob(a)
    critic_loss = F.mse_loss(value.squeeze(1), reward)
    loss = (chosen.mean() if FAULT == "wrong_sign" else -chosen.mean()) + weight * critic_loss
    loss = loss - 0.01 * policy.entropy().mean()
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(net.parameters(), 5.0)
    optimizer.step()
    if step % 100 == 99:
        print(f"step {step} loss {loss.item():.3f} reward {(worth[s, a]).mean().item():.3f}")
with torch.no_grad():
    policy, _ = net(torch.arange(STATES))
    got, best = (policy.probs * worth).sum(1).mean().item(), worth.max(1).values.mean().item()
skill = (got - worth.mean().item()) / (best - worth.mean().item())
print("RESULT", json.dumps({"skill": skill, "train_loss": loss.item(), "history": []}))
