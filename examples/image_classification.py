"""A small torchvision ResNet on generated pictures of four textures.

python examples/image_classification.py                             a sound training
python examples/image_classification.py --break eval-mode-in-training   the same training with a typical mistake
"""

import argparse

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import trainadvisor

try:
    from torchvision.models.resnet import BasicBlock, ResNet
except (ImportError, RuntimeError, AttributeError) as error:  # a build for another torch fails with the latter two
    reason = str(error).splitlines()[0]
    raise SystemExit(
        f"image_classification.py needs torchvision, which cannot be imported ({reason}); "
        "install the build that belongs to your torch: pip install 'trainadvisor[vision]'",
    ) from None

BREAKS = ["eval-mode-in-training", "lr-too-high", "softmax-before-cross-entropy"]

parser = argparse.ArgumentParser(description="small ResNet on generated pictures")
parser.add_argument("--break", dest="broken", choices=BREAKS, help="train with this mistake")
args = parser.parse_args()


def pictures(count: int) -> TensorDataset:
    """Noisy horizontal stripes, vertical stripes, checks and discs, 24x24, three colors."""
    labels = torch.randint(4, (count,))
    y, x = torch.meshgrid(torch.arange(24.0), torch.arange(24.0), indexing="ij")
    phase, period = torch.rand(count, 1, 1) * 6.28, 0.8 + torch.rand(count, 1, 1) * 0.6
    rows, columns = torch.sin(period * y + phase), torch.sin(period * x + phase)
    disc = 1 - 2 * (((x - 12) ** 2 + (y - 12) ** 2).sqrt() > 5 + 2 * period).float()
    patterns = torch.stack([rows, columns, rows * columns, disc], dim=1)
    picture = patterns[torch.arange(count), labels][:, None] * (0.5 + torch.rand(count, 3, 1, 1))
    noisy = picture + 2 * torch.randn(count, 3, 24, 24)
    return TensorDataset((noisy - noisy.mean()) / noisy.std(), labels)


torch.manual_seed(0)
train_loader = DataLoader(pictures(480), batch_size=16, shuffle=True)
validation_loader = DataLoader(pictures(200), batch_size=100)

model = ResNet(BasicBlock, [1, 1, 1, 1], num_classes=4)
if args.broken == "softmax-before-cross-entropy":
    model = nn.Sequential(model, nn.Softmax(dim=1))
criterion = nn.CrossEntropyLoss()
lr = 30.0 if args.broken == "lr-too-high" else 0.003
optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
advisor = trainadvisor.watch(model, optimizer, log="log.json")

for epoch in range(4):
    if epoch == 0 or args.broken != "eval-mode-in-training":
        model.train()
    for images, labels in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(images), labels)
        loss.backward()
        optimizer.step()
    model.eval()
    correct = 0
    with torch.no_grad():
        for images, labels in validation_loader:
            outputs = model(images)
            validation_loss = criterion(outputs, labels)
            correct += (outputs.argmax(1) == labels).sum().item()
    print(f"epoch {epoch + 1}: training loss {loss.item():.3f}, validation accuracy {correct / 200:.3f}")
print("next: trainadvisor diagnose log.json")
