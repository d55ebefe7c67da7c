"""Double DQN: an elevator learns to fetch the waiting passenger and bring him to the ground floor."""

import random
from collections import deque

import numpy as np
import torch
from torch import nn

FLOORS = 6


class Elevator:
    def reset(self):
        self.car, self.waiting, self.loaded, self.t = random.randrange(FLOORS), random.randrange(1, FLOORS), 0, 0
        return self._obs()

    def _obs(self):
        o = np.zeros(2 * FLOORS + 1, dtype=np.float32)
        o[self.car], o[FLOORS + self.waiting], o[-1] = 1, 1 - self.loaded, self.loaded
        return o

    def step(self, action):
        self.t += 1
        reward, done = -0.05, False
        if action < 2:
            self.car = min(max(self.car + (1, -1)[action], 0), FLOORS - 1)
        elif not self.loaded and self.car == self.waiting:
            self.loaded, reward = 1, 0.3
        elif self.loaded and self.car == 0:
            reward, done = 1.0, True
        else:
            reward = -0.2
        return self._obs(), reward, done, self.t >= 30


class QNetwork(nn.Module):
    def __init__(self, width=64):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2 * FLOORS + 1, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())
        self.value, self.advantage = nn.Linear(width, 1), nn.Linear(width, 3)

    def forward(self, x):
        h = self.layers(x)
        a = self.advantage(h)
        return self.value(h) + a - a.mean(1, keepdim=True)


class Agent:
    def __init__(self, gamma=0.95, lr=1e-3):
        self.online, self.target = QNetwork(), QNetwork()
        self.target.load_state_dict(self.online.state_dict())
        self.target.requires_grad_(False)
        self.optimizer = torch.optim.Adam(self.online.parameters(), lr=lr)
        self.memory, self.gamma = deque(maxlen=4000), gamma

    @torch.no_grad()
    def act(self, obs, eps):
        if random.random() < eps:
            return random.randrange(3)
        return int(self.online(torch.from_numpy(obs)[None]).argmax())

    def learn(self, size=64):
        s, a, r, s2, d = (torch.from_numpy(np.array(c)) for c in zip(*random.sample(self.memory, size), strict=True))
        with torch.no_grad():
            best = self.online(s2).argmax(1, keepdim=True)
            goal = r.float() + self.gamma * (1 - d.float()) * self.target(s2).gather(1, best).squeeze(1)
        q = self.online(s).gather(1, a[:, None]).squeeze(1)
        loss = nn.functional.smooth_l1_loss(q, goal)
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.online.parameters(), 10.0)
        self.optimizer.step()
        return loss.item()


random.seed(1)
torch.manual_seed(1)
torch.set_num_threads(1)
env, agent, scores, loss, clock = Elevator(), Agent(), [], 0.0, 0
for episode in range(1, 121):
    obs, score, over = env.reset(), 0.0, False
    while not over:
        action = agent.act(obs, max(0.05, 1 - episode / 60))
        new, reward, done, late = env.step(action)
        agent.memory.append((obs, action, reward, new, done))
        obs, score, over, clock = new, score + reward, done or late, clock + 1
        if len(agent.memory) > 200 and clock % 2 == 0:
            loss = agent.learn()
    scores.append(score)
    if episode % 40 == 0:
        print(f"episode {episode}: score {np.mean(scores[-30:]):.3f} loss {loss:.4f}")
