"""Deep Q-learning with a replay memory and a target network: find the goal in a small grid."""

import copy
import json
import random
import sys
from collections import deque

import torch
from torch import nn
from torch.nn import functional as F

FAULT, SEED = sys.argv[1], int(sys.argv[2])
torch.manual_seed(SEED)
random.seed(SEED)
SIZE, MOVES = 4, [(0, 1), (0, -1), (1, 0), (-1, 0)]


def see(place):
    state = torch.zeros(SIZE * SIZE)
    state[place[0] * SIZE + place[1]] = 1.0
    return state


def move(place, action):
    new = tuple(min(max(p + d, 0), SIZE - 1) for p, d in zip(place, MOVES[action], strict=True))
    return new, (1.0 if new == (SIZE - 1, SIZE - 1) else -0.02)


width = random.choice([32, 64])
q = nn.Sequential(nn.Linear(SIZE * SIZE, width), nn.ReLU(), nn.Linear(width, 4))
target = copy.deepcopy(q)
optimizer = torch.optim.Adam(q.parameters(), lr=random.uniform(1e-3, 4e-3) * (100 if FAULT == "lr_high" else 1))
memory, step, lengths = deque(maxlen=2000), 0, []
for episode in range(160):
    place, length = (0, 0), 0
    for _ in range(40):
        if random.random() < max(0.1, 1 - episode / 60):
            action = random.randrange(4)
        else:
            with torch.no_grad():
                action = q(see(place)).argmax().item()
        new, reward = move(place, action)
        done = reward > 0
        memory.append((see(place), action, reward, see(new), done))
        place, length, step = new, length + 1, step + 1
        if len(memory) >= 64:
            s, a, r, n, d = zip(*random.sample(memory, 32), strict=True)
            with torch.no_grad():
                best = target(torch.stack(n)).max(1).values
                goal = torch.tensor(r) + 0.95 * best * ~torch.tensor(d)
            said = q(torch.stack(s)).gather(1, torch.tensor(a)[:, None]).squeeze(1)
            loss = F.smooth_l1_loss(said, goal)
            optimizer.zero_grad()
            loss.backward()
            if FAULT != "missing_step":
                optimizer.step()
            if step % 50 == 0 and FAULT != "target_never_copied":
                target.load_state_dict(q.state_dict())
        if done:
            break
    lengths.append(length)
    if episode % 40 == 39:
        print(f"episode {episode} mean length {sum(lengths[-40:]) / 40:.1f} loss {loss.item():.5f}")
place, length = (0, 0), 0
while place != (SIZE - 1, SIZE - 1) and length < 40:
    with torch.no_grad():
        place, _ = move(place, q(see(place)).argmax().item())
    length += 1
print("RESULT", json.dumps({"skill": (40 - length) / 34, "train_loss": loss.item(), "history": []}))
