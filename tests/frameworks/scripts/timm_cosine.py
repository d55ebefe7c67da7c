"""A tiny vision transformer of timm on digits, with dropout and timm's cosine schedule."""

import timm
import torch
from sklearn.datasets import load_digits
from timm.optim import create_optimizer_v2
from timm.scheduler import CosineLRScheduler
from timm.utils import AverageMeter, accuracy
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
digits = load_digits()
x = torch.tensor(digits.images, dtype=torch.float32)[:, None] / 16
y = torch.tensor(digits.target)
train = DataLoader(TensorDataset(x[:1440], y[:1440]), batch_size=32, shuffle=True)
val = DataLoader(TensorDataset(x[1440:], y[1440:]), batch_size=64)
model = timm.create_model(
    "vit_tiny_patch16_224", img_size=8, patch_size=2, in_chans=1, embed_dim=48, depth=2, num_heads=2, num_classes=10,
    drop_rate=0.1, proj_drop_rate=0.1,
)  # fmt: skip
optimizer = create_optimizer_v2(model, opt="adamw", lr=2e-3, weight_decay=0.05)
epochs = 8
scheduler = CosineLRScheduler(optimizer, t_initial=epochs, lr_min=1e-5, warmup_t=1, warmup_lr_init=2e-4)
criterion = nn.CrossEntropyLoss(label_smoothing=0.05)
for epoch in range(epochs):
    model.train()
    for images, labels in train:
        loss = criterion(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    losses, top1 = AverageMeter(), AverageMeter()
    with torch.no_grad():
        for images, labels in val:
            output = model(images)
            losses.update(criterion(output, labels).item(), len(images))
            top1.update(accuracy(output, labels)[0].item(), len(images))
    scheduler.step(epoch + 1)
    print(epoch, losses.avg, top1.avg)
