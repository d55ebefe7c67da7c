"""DQN on a small grid with a wall; the target network is synced every 100 updates."""

import collections
import random

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)
random.seed(0)
torch.set_num_threads(1)


class Grid:
    SIZE, GOAL, WALL = 5, (4, 4), {(1, 1), (2, 1), (3, 1), (3, 3)}
    MOVES = ((0, 1), (1, 0), (0, -1), (-1, 0))

    def reset(self):
        self.at, self.t = (0, 0), 0
        return self.obs()

    def obs(self):
        o = torch.zeros(self.SIZE, self.SIZE)
        o[self.at] = 1
        return o.flatten()

    def step(self, action):
        x, y = (self.at[i] + self.MOVES[action][i] for i in (0, 1))
        if 0 <= x < self.SIZE and 0 <= y < self.SIZE and (x, y) not in self.WALL:
            self.at = (x, y)
        self.t += 1
        done = self.at == self.GOAL
        return self.obs(), 1.0 if done else -0.02, done, self.t >= 40


def make():
    return nn.Sequential(nn.Linear(25, 64), nn.ReLU(), nn.Linear(64, 4))


env, memory = Grid(), collections.deque(maxlen=5000)
q, target = make(), make()
target.load_state_dict(q.state_dict())
optimizer = torch.optim.Adam(q.parameters(), lr=1e-3)
updates, returns = 0, []
for episode in range(120):
    s, total, over = env.reset(), 0.0, False
    eps = max(0.05, 1 - episode / 50)
    while not over:
        with torch.no_grad():
            a = random.randrange(4) if random.random() < eps else q(s).argmax().item()
        s2, r, done, timeout = env.step(a)
        over = done or timeout
        memory.append((s, a, r, s2, float(done)))
        s, total = s2, total + r
        if len(memory) >= 200:
            obs, act, rew, nxt, end = zip(*random.sample(memory, 64), strict=True)
            obs, nxt = torch.stack(obs), torch.stack(nxt)
            act, rew, end = torch.tensor(act), torch.tensor(rew), torch.tensor(end)
            with torch.no_grad():
                y = rew + 0.97 * (1 - end) * target(nxt).max(1).values
            loss = F.smooth_l1_loss(q(obs).gather(1, act[:, None]).squeeze(1), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            updates += 1
            if updates % 100 == 0:
                target.load_state_dict(q.state_dict())
    returns.append(total)
    if (episode + 1) % 20 == 0:
        print(f"episode {episode + 1}: mean return {sum(returns[-20:]) / 20:.3f} after {updates} updates")
