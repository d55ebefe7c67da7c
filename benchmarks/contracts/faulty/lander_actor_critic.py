"""Advantage actor-critic on a point that has to be steered to the origin."""

import torch
from torch import nn
from torch.distributions import Categorical

torch.manual_seed(9)
torch.set_num_threads(1)

ENVS, HORIZON, GAMMA = 16, 20, 0.95
PUSH = torch.tensor([[0.0, 0.0], [0.25, 0.0], [-0.25, 0.0], [0.0, 0.25], [0.0, -0.25]])


class ActorCritic(nn.Module):
    def __init__(self, obs=2, actions=5, width=48):
        super().__init__()
        self.pi = nn.Sequential(nn.Linear(obs, width), nn.Tanh(), nn.Linear(width, actions))
        self.v = nn.Sequential(nn.Linear(obs, width), nn.Tanh(), nn.Linear(width, 1))

    def forward(self, obs):
        return Categorical(logits=self.pi(obs)), self.v(obs)


def rollout(agent):
    pos = torch.rand(ENVS, 2) * 4 - 2
    states, actions, rewards = [], [], []
    for _ in range(HORIZON):
        with torch.no_grad():
            dist, _ = agent(pos)
        a = dist.sample()
        states.append(pos)
        actions.append(a)
        pos = (pos + PUSH[a]).clamp(-3, 3)
        rewards.append(-pos.norm(dim=1) * 0.2)
    return torch.stack(states), torch.stack(actions), torch.stack(rewards)


def discounted(rewards):
    out, running = torch.zeros_like(rewards), torch.zeros(ENVS)
    for t in reversed(range(HORIZON)):
        running = rewards[t] + GAMMA * running
        out[t] = running
    return out


agent = ActorCritic()
optimizer = torch.optim.Adam(agent.parameters(), lr=5e-3)
for update in range(1, 201):
    states, actions, rewards = rollout(agent)
    returns = discounted(rewards).view(-1, 1)
    dist, values = agent(states.view(-1, 2))
    advantage = returns - values.detach()
    policy_loss = -(dist.log_prob(actions.view(-1)) * advantage).mean()
    value_loss = (returns - values).pow(2).mean()
    loss = policy_loss + 0.5 * value_loss - 0.01 * dist.entropy().mean()
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(agent.parameters(), 0.5)
    optimizer.step()
    if update % 40 == 0:
        print(f"update {update}: return {rewards.sum(0).mean():.3f} value loss {value_loss.item():.3f}")
