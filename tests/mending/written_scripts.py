"""Trainings written in many ways, to be mended in all of them: fragments that are read and never run."""

HEAD = """import argparse
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset, random_split

"""
LOOP = """for epoch in range(10):
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
"""
PLAIN = """model = nn.Linear(8, 3)
criterion = nn.CrossEntropyLoss()
"""
SGD = "optimizer = optim.SGD(model.parameters(), lr=0.1)\n"

BODIES = {
    "ends in a softmax": """model = nn.Sequential(nn.Linear(8, 8), nn.Sigmoid(), nn.BatchNorm1d(8, momentum=0.01),
                      nn.Dropout(0.7), nn.Linear(8, 3), nn.Softmax(dim=1))
criterion = nn.CrossEntropyLoss(reduction="sum")
train_loader = DataLoader(train_data, batch_size=4)
test_loader = DataLoader(test_data, batch_size=64, shuffle=True, num_workers=2)
""" + SGD + LOOP,
    "ends in a function": """class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(8, 8)
        self.fc2 = nn.Linear(8, 1)
        self.drop = nn.Dropout(p=0.9)

    def forward(self, x):
        x = torch.tanh(self.fc1(x))
        x = self.drop(x)
        return torch.sigmoid(self.fc2(x))


model = Net()
criterion = nn.BCEWithLogitsLoss()
optimizer = optim.Adam(model.parameters(), lr=3e-4, betas=(0.8, 0.999), eps=1e-8, weight_decay=0.5)
""" + LOOP,
    "two linear layers": """class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 1)

    def forward(self, x):
        return self.c(self.b(self.a(x)))


model = Net()
criterion = nn.MSELoss()
""" + SGD + LOOP,
    "a cell": """class Cell(nn.Module):
    def __init__(self):
        super().__init__()
        self.w, self.u, self.out = nn.Linear(4, 8), nn.Linear(8, 8), nn.Linear(8, 2)

    def forward(self, xs):
        h = torch.zeros(len(xs), 8)
        for x in xs.unbind(1):
            h = self.w(x) + self.u(h)
        return self.out(h)


model = Cell()
criterion = nn.CrossEntropyLoss()
""" + SGD + LOOP,
    "a stack": """class Stack(nn.Module):
    def __init__(self, depth):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(8, 8) for _ in range(depth))
        self.mixed = nn.ModuleList([nn.Linear(8, 8), nn.ReLU()])
        self.kept = [nn.Linear(8, 8) for _ in range(2)]

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        for layer in self.mixed:
            x = layer(x)
        return self.kept[0](x)


model = Stack(4)
criterion = nn.L1Loss()
""" + SGD + LOOP,
    "groups": PLAIN + """body = {"params": model.body.parameters(), "lr": 1e-4}
head = {"params": model.head.parameters(), "lr": RATE}
parts = [body, head]
optimizer = optim.AdamW(parts)
""" + LOOP,
    "a part only": PLAIN + """optimizer = optim.Adagrad(model.head[0].weight.parameters())
""" + LOOP,
    "frozen": PLAIN + """for block in model.blocks:
    for p in block.parameters():
        p.requires_grad = False
optimizer = optim.RMSprop([p for p in model.parameters() if p.requires_grad], 0.01, 0.99, 1e-8)
""" + LOOP,
    "scheduled by epochs": PLAIN + SGD + """
scheduler = optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=1000)
""" + LOOP + """    scheduler.step()
""",
    "scheduled by batches": PLAIN + SGD + """scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=3)
""" + LOOP + """        scheduler.step()
""",
    "scheduled by losses": PLAIN + SGD + """plateau = optim.lr_scheduler.ReduceLROnPlateau(optimizer)
""" + LOOP + """    plateau.step(loss)
""",
    "evaluated in training mode": PLAIN + SGD + LOOP + """    with torch.no_grad():
        right = 0
        for x, y in test_loader:
            right += (model(x).argmax(1) == y).sum()
""",
    "functions": """def train(model, loader, optimizer):
    '''Train for an epoch.'''
    total = 0
    for x, y in loader:
        output = model(x)
        loss = F.nll_loss(output, y)
        loss.backward()
        total += loss
        optimizer.step()
    return total


def test(model, loader):
    correct = 0
    with torch.no_grad():
        for x, y in loader:
            correct += model(x).argmax(1).eq(y).sum().item()
    return correct


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=1.0)
    parser.add_argument("--batch-size", type=int, default=512)
    args = parser.parse_args()
    model = Net()
    optimizer = optim.SGD(model.parameters(), lr=args.lr, momentum=0.9)
    train_loader = DataLoader(data, batch_size=args.batch_size)
    for epoch in range(3):
        train(model, train_loader, optimizer)
        test(model, test_loader)


main()
""",
    "without a step": PLAIN + SGD + LOOP.replace("        optimizer.step()\n", ""),
    "without backward": PLAIN + SGD + LOOP.replace("        loss.backward()\n", ""),
    "cleared in between": PLAIN + SGD + """for x, y in train_loader:
    loss = criterion(model(x), y)
    loss.backward()
    optimizer.zero_grad()
    optimizer.step()
""",
    "accumulated": PLAIN + SGD + """for i, (x, y) in enumerate(train_loader):
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    if (i + 1) % 8 == 0:
        optimizer.step()
        optimizer.zero_grad()
""",
    "clipped": PLAIN + SGD + """scaler = torch.amp.GradScaler()
for x, y in train_loader:
    with torch.autocast("cuda", dtype=torch.float16):
        loss = criterion(model(x), y)
    optimizer.zero_grad()
    scaler.scale(loss).backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 0.01)
    scaler.unscale_(optimizer)
    scaler.step(optimizer)
    scaler.update()
""",
    "two of everything": """G, D = nn.Linear(4, 8), nn.Linear(8, 1)
optG = optim.Adam(G.parameters(), lr=2e-4, betas=(0.9, 0.999))
optD = optim.Adam(D.parameters(), lr=BASE * 2, betas=(0.9, 0.999))
bce = nn.BCELoss()
for real in train_loader:
    fake = G(torch.randn(len(real), 4))
    optD.zero_grad()
    lossD = bce(torch.sigmoid(D(real)), ones) + bce(torch.sigmoid(D(fake)), zeros)
    lossD.backward(retain_graph=True)
    optD.step()
    optG.zero_grad()
    lossG = bce(torch.sigmoid(D(fake)), ones)
    lossG.backward()
    optG.step()
""",
    "arrays": """x, y = np.load("x.npy"), np.load("y.npy")
xs = torch.from_numpy(x)
ys = torch.tensor(y)
train_set = TensorDataset(xs[:800].float(), ys[:800])
test_set = TensorDataset(xs[800:].float(), ys[800:])
train_loader = DataLoader(train_set, 16)
model = nn.Linear(8, 1)
criterion = nn.MSELoss()
""" + SGD + LOOP,
    "wide targets": """data = TensorDataset(inputs, targets.unsqueeze(1))
train_data, val_data = random_split(data, [900, 100])
train_loader = DataLoader(train_data, batch_size=2 ** 5, drop_last=True)
model = nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 1))
criterion = nn.SmoothL1Loss()
""" + SGD + LOOP.replace("criterion(model(x), y)", "criterion(model(x).squeeze(), y)"),
    "language": """model = nn.Transformer(64, 4)
optimizer = optim.AdamW(model.parameters(), lr=6e-4, betas=(0.9, 0.95), weight_decay=0.1)
for ids in train_loader:
    labels = ids.clone()
    logits = model(ids, mask=mask)
    loss = F.cross_entropy(logits.view(-1, 64), labels.view(-1), ignore_index=-100)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
    "a class of its own": """class Trainer:
    def __init__(self, model, rate=1e-2):
        self.model = model
        self.optimizer = optim.SGD(self.model.head.parameters(), lr=rate, momentum=0.9)
        self.criterion = nn.CrossEntropyLoss()

    def fit(self, loader):
        for x, y in loader:
            out = self.model(x)
            loss = self.criterion(torch.softmax(out, dim=0), y)
            loss.backward()
            self.optimizer.step()


Trainer(nn.Linear(8, 3)).fit(train_loader)
""",
    "a target network": """policy, target = Net(), Net()
optimizer = optim.Adam(policy.parameters(), lr=1e-3)
for step in range(10000):
    s, a, r, s2, done = memory.sample(32)
    with torch.no_grad():
        goal = r + 0.99 * target(s2).max(1)[0]
    loss = F.smooth_l1_loss(policy(s).gather(1, a), goal)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 100000 == 0:
        target.load_state_dict(policy.state_dict())
""",
}  # fmt: skip
SCRIPTS = {name: HEAD + body for name, body in BODIES.items()}
