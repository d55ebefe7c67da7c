"""OneCycleLR stepped once per optimizer step, gradients accumulated over two micro-batches."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

EPOCHS, MICRO, ACCUMULATE = 10, 32, 2

torch.manual_seed(19)
torch.set_num_threads(1)
x, y = load_digits(return_X_y=True)
x = torch.tensor(x, dtype=torch.float32).sub(8).div(8)
y = torch.tensor(y)
shuffled = torch.randperm(len(x))
train_set = TensorDataset(x[shuffled[:1408]], y[shuffled[:1408]])
test_x, test_y = x[shuffled[1408:]], y[shuffled[1408:]]
loader = DataLoader(train_set, batch_size=MICRO, shuffle=True)

model = nn.Sequential(nn.Linear(64, 128), nn.BatchNorm1d(128), nn.ReLU(), nn.Dropout(0.1), nn.Linear(128, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
steps = EPOCHS * (len(loader) // ACCUMULATE)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.2, total_steps=steps)
criterion = nn.CrossEntropyLoss()

for epoch in range(EPOCHS):
    model.train()
    optimizer.zero_grad()
    total = 0.0
    for i, (inputs, targets) in enumerate(loader, 1):
        loss = criterion(model(inputs), targets)
        (loss / ACCUMULATE).backward()
        total += loss.item()
        if i % ACCUMULATE == 0:
            nn.utils.clip_grad_norm_(model.parameters(), 2.0)
            optimizer.step()
            scheduler.step()
            optimizer.zero_grad()
    model.eval()
    with torch.no_grad():
        acc = (model(test_x).argmax(1) == test_y).float().mean().item()
    print(f"epoch {epoch} lr {scheduler.get_last_lr()[0]:.4f} loss {total / len(loader):.4f} acc {acc:.4f}")
