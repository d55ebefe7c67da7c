"""A small network on digits, by Lightning."""

import json
import sys

import lightning
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
digits = load_digits()
x = torch.tensor(digits.data, dtype=torch.float32) / 16
y = torch.tensor(digits.target)
train = DataLoader(TensorDataset(x[:1440], y[:1440]), batch_size=32, shuffle=True)
val = DataLoader(TensorDataset(x[1440:], y[1440:]), batch_size=64)


class Digits(lightning.LightningModule):
    """Two layers."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
        self.losses, self.eval_losses, self.rates = [], [], []

    def training_step(self, batch, _):
        x, y = batch
        loss = F.cross_entropy(self.net(x), y)
        self.losses.append(loss.item())
        self.rates.append(self.optimizers().param_groups[0]["lr"])
        return loss

    def validation_step(self, batch, _):
        x, y = batch
        self.log("val_loss", F.cross_entropy(self.net(x), y))

    def on_validation_epoch_end(self):
        self.eval_losses.append(self.trainer.callback_metrics["val_loss"].item())

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=2e-3)


model = Digits()
trainer = lightning.Trainer(
    max_epochs=6,
    accelerator="cpu",
    logger=False,
    enable_checkpointing=False,
    enable_progress_bar=False,
    enable_model_summary=False,
    num_sanity_val_steps=0,
    default_root_dir=sys.argv[1] if len(sys.argv) > 1 else "out",
)
trainer.fit(model, train, val)
print("FIGURES", json.dumps({
    "steps": trainer.global_step,
    "losses": model.losses,
    "rates": model.rates,
    "eval_losses": model.eval_losses,
    "epochs": 6,
    "batch_size": 32,
    "parameters": sum(p.numel() for p in model.parameters()),
}))  # fmt: skip
