"""An autoencoder is trained first, then a classifier on its encoder."""

import json
import random
import sys

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F

FAULT, SEED = sys.argv[1], int(sys.argv[2])
torch.manual_seed(SEED)
random.seed(SEED)
digits = load_digits()
x, y = torch.tensor(digits.data / 16, dtype=torch.float32), torch.tensor(digits.target)
order = torch.randperm(len(x))
train, val = order[:1400], order[1400:]
size = random.choice([16, 24])
encoder = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, size))
decoder = nn.Sequential(nn.ReLU(), nn.Linear(size, 96), nn.ReLU(), nn.Linear(96, 64))
optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=2e-3)
for epoch in range(8):
    for i in train[torch.randperm(len(train))].split(32):
        if FAULT == "first_phase_blind":
            rebuilt = decoder(encoder(torch.zeros_like(x[i])))
        else:
            rebuilt = decoder(encoder(x[i]))
        loss = F.mse_loss(rebuilt, x[i])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        known = 1 - F.mse_loss(decoder(encoder(x[val])), x[val]).item() / x[val].var(0).mean().item()
    print(f"pretraining {epoch} loss {loss.item():.4f} explained {known:.3f}")

classifier = nn.Sequential(encoder, nn.ReLU(), nn.Linear(size, 10))
if FAULT != "first_optimizer":
    rate = random.uniform(1e-3, 3e-3) * (200 if FAULT == "lr_high" else 1)
    optimizer = torch.optim.Adam(classifier.parameters(), lr=rate)
for epoch in range(8):
    classifier.train()
    for i in train[torch.randperm(len(train))].split(32):
        loss = F.cross_entropy(classifier(x[i]), y[i])
        classifier.zero_grad()
        loss.backward()
        optimizer.step()
    classifier.eval()
    with torch.no_grad():
        out = classifier(x[val])
        accuracy = (out.argmax(1) == y[val]).float().mean().item()
    print(f"fine-tuning {epoch} loss {loss.item():.4f} val {F.cross_entropy(out, y[val]).item():.4f} {accuracy:.3f}")
skill = min((accuracy - 0.1) / 0.9, known + 0.3)
print("RESULT", json.dumps({"skill": skill, "train_loss": loss.item(), "history": []}))
