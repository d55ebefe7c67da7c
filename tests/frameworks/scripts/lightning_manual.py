"""A small convolutional network on digits, by Lightning, which optimizes by hand."""

import lightning
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

lightning.seed_everything(0)
digits = load_digits()
x = torch.tensor(digits.images, dtype=torch.float32)[:, None] / 16
y = torch.tensor(digits.target)
train = DataLoader(TensorDataset(x[:1440], y[:1440]), batch_size=32, shuffle=True)
val = DataLoader(TensorDataset(x[1440:], y[1440:]), batch_size=64)


class ConvDigits(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.automatic_optimization = False
        self.blocks = nn.ModuleList([nn.Conv2d(1, 16, 3, padding=1), nn.Conv2d(16, 32, 3, padding=1)])
        self.head = nn.Linear(32 * 16, 10)

    def forward(self, x):
        x = F.relu(self.blocks[0](x))
        x = F.max_pool2d(F.relu(self.blocks[1](x)), 2)
        return self.head(x.flatten(1))

    def training_step(self, batch, _):
        optimizer = self.optimizers()
        x, y = batch
        loss = F.cross_entropy(self(x), y)
        optimizer.zero_grad()
        self.manual_backward(loss)
        self.clip_gradients(optimizer, gradient_clip_val=5.0, gradient_clip_algorithm="norm")
        optimizer.step()
        self.log("train_loss", loss)

    def validation_step(self, batch, _):
        x, y = batch
        answers = self(x)
        self.log("val_loss", F.cross_entropy(answers, y))
        self.log("val_acc", (answers.argmax(1) == y).float().mean())

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=1e-3, weight_decay=0.01)


trainer = lightning.Trainer(
    max_epochs=6, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False
)
trainer.fit(ConvDigits(), train, val)
