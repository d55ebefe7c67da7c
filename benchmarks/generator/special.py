"""Loops of other kinds: VAE, GAN, policy gradient, metric learning, diffusion, distillation, likelihood."""

from __future__ import annotations

from typing import Any

import models
import numpy as np
import optim
import tasks
import torch
from faults import Fault
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

Spec = dict[str, Any]


def _loaders(spec: Spec, task: tasks.Task) -> tuple[DataLoader, DataLoader]:
    train = DataLoader(TensorDataset(task.x, task.y), batch_size=spec["batch"], shuffle=True, drop_last=True)
    return train, DataLoader(TensorDataset(task.x_val, task.y_val), batch_size=256)


class VAE(nn.Module):
    """Encoder, noise, decoder."""

    def __init__(self, size: int, width: int, latent: int = 8) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(size, width), nn.ReLU())
        self.mu, self.logvar = nn.Linear(width, latent), nn.Linear(width, latent)
        self.decoder = nn.Sequential(nn.Linear(latent, width), nn.ReLU(), nn.Linear(width, size))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return the rebuilt input and the posterior."""
        h = self.encoder(x)
        mu, logvar = self.mu(h), self.logvar(h)
        z = mu + torch.randn_like(mu) * torch.exp(0.5 * logvar) if self.training else mu
        return self.decoder(z), mu, logvar


def vae(spec: Spec) -> dict[str, Any]:
    """Train a variational autoencoder on digits."""
    fault, task = Fault(spec), tasks.build(spec)
    train, val = _loaders(spec, task)
    model = fault.model(VAE(64, spec["width"]))
    opt = optim.optimizer(spec, model.parameters())
    weight = fault.grade if fault == "kl_weight" else 1.0

    def loss_of(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x = x.flatten(1)
        logits, mu, logvar = model(x)
        kl = -0.5 * (1 + logvar - mu.pow(2) - logvar.exp()).sum() / len(x)
        rebuilt = F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x)
        return rebuilt + weight * kl, torch.sigmoid(logits)

    history = []
    for _ in range(max(spec["steps"] // len(train), 1)):
        model.train()
        for x, _y in train:
            opt.zero_grad()
            loss, _ = loss_of(x)
            loss.backward()
            if fault != "missing_step":
                opt.step()
        model.eval()
        with torch.no_grad():
            pairs = [loss_of(x) for x, _y in val]
        history.append(float(np.mean([p[0].item() for p in pairs])))
    out = torch.cat([p[1] for p in pairs]).numpy()
    return {"train_loss": loss.item(), "history": history, "outputs": out, "targets": task.y_val.flatten(1).numpy()}


def gan(spec: Spec) -> dict[str, Any]:
    """Train a GAN on a ring of points; the score is how near the distribution comes."""
    fault, width, batch = Fault(spec), spec["width"], spec["batch"]
    generator = nn.Sequential(nn.Linear(4, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 2))
    critic = nn.Sequential(
        nn.Linear(2, width), nn.LeakyReLU(0.2), nn.Linear(width, width), nn.LeakyReLU(0.2), nn.Linear(width, 1)
    )
    betas = (0.5, 0.999)
    scale = fault.grade if fault == "discriminator_fast" else 1.0
    opt_d = torch.optim.Adam(critic.parameters(), lr=spec["lr"] * scale, betas=betas)
    opt_g = torch.optim.Adam(generator.parameters(), lr=spec["lr"], betas=betas)
    bce, ones, zeros = nn.BCEWithLogitsLoss(), torch.ones(batch, 1), torch.zeros(batch, 1)
    for _ in range(spec["steps"]):
        real, fake = _ring(batch), generator(torch.randn(batch, 4))
        opt_d.zero_grad()
        (bce(critic(real), ones) + bce(critic(fake.detach()), zeros)).backward()
        opt_d.step()
        opt_g.zero_grad()
        loss = bce(critic(fake), ones)
        loss.backward()
        opt_g.step()
    with torch.no_grad():
        made, real = generator(torch.randn(1000, 4)).numpy(), _ring(1000).numpy()
    return {"train_loss": loss.item(), "history": [], "skill": 1 - _distance(made, real)}


def _ring(n: int) -> torch.Tensor:
    angle = 2 * np.pi * torch.rand(n)
    return torch.stack([angle.cos(), angle.sin()], 1) + 0.1 * torch.randn(n, 2)


def _distance(a: np.ndarray, b: np.ndarray) -> float:
    """Sliced Wasserstein distance."""
    angles = np.linspace(0, np.pi, 16)
    lines = np.stack([np.cos(angles), np.sin(angles)])
    return float(np.abs(np.sort(a @ lines, 0) - np.sort(b @ lines, 0)).mean())


def policy(spec: Spec) -> dict[str, Any]:
    """REINFORCE on a walk: reach the goal on a line of nine places, thirty moves at most."""
    fault = Fault(spec)
    net = nn.Sequential(nn.Linear(18, spec["width"]), nn.Tanh(), nn.Linear(spec["width"], 2))
    opt = optim.optimizer(spec, net.parameters())
    returns, baseline = [], 0.0
    for _ in range(spec["steps"]):
        logs, reward = _episode(net)
        returns.append(reward)
        loss = -(reward - baseline) * torch.stack(logs).sum()
        baseline = 0.9 * baseline + 0.1 * reward
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        if fault != "missing_step":
            opt.step()
    return {"train_loss": loss.item(), "history": [], "skill": float(np.mean(returns[-50:]))}


def _episode(net: nn.Module) -> tuple[list[torch.Tensor], float]:
    place, goal = np.random.randint(9), np.random.randint(9)  # noqa: NPY002 - as users write it
    logs: list[torch.Tensor] = []
    for move in range(30):
        state = torch.zeros(18)
        state[place] = state[9 + goal] = 1.0
        chosen = torch.distributions.Categorical(logits=net(state))
        action = chosen.sample()
        logs.append(chosen.log_prob(action))
        place = min(max(place + 2 * int(action) - 1, 0), 8)
        if place == goal:
            return logs, 1 - move / 30
    return logs, 0.0


def metric(spec: Spec) -> dict[str, Any]:
    """Learn an embedding of digits by triplets or by InfoNCE; the score is that of a nearest-neighbor vote."""
    fault, task = Fault(spec), tasks.build(spec)
    net = fault.model(models.mlp({**spec, "norm": False}, 64, 16))
    opt = optim.optimizer(spec, net.parameters())
    groups = [torch.nonzero(task.y == c).flatten() for c in range(10)]
    pick = lambda c: groups[c][torch.randint(len(groups[c]), ())]  # noqa: E731
    for _ in range(spec["steps"]):
        anchor = torch.randint(0, len(task.y), (spec["batch"],))
        same = torch.stack([pick(int(task.y[i])) for i in anchor])
        other = torch.stack([pick((int(task.y[i]) + int(torch.randint(1, 10, ()))) % 10) for i in anchor])
        a, p, q = (F.normalize(net(task.x[i]), dim=1) for i in (anchor, same, other))
        if spec["task_loss"] == "triplet":
            loss = F.triplet_margin_loss(a, p, q, margin=0.5)
        else:
            loss = F.cross_entropy(a @ p.T / 0.2, torch.arange(len(a)))
        opt.zero_grad()
        loss.backward()
        if fault != "missing_step":
            opt.step()
    with torch.no_grad():
        known, asked = F.normalize(net(task.x), dim=1).numpy(), F.normalize(net(task.x_val), dim=1).numpy()
    near = task.y.numpy()[np.argsort(-asked @ known.T, 1)[:, :5]]
    votes = np.array([np.bincount(row, minlength=10).argmax() for row in near])
    return {"train_loss": loss.item(), "history": [], "skill": float((votes == task.y_val.numpy()).mean() - 0.1) / 0.9}


def diffusion(spec: Spec) -> dict[str, Any]:
    """Predict the noise added to points of a ring: the loss hovers far above zero."""
    fault, width = Fault(spec), spec["width"]
    net = nn.Sequential(nn.Linear(3, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 2))
    net = fault.model(net)
    opt = optim.optimizer(spec, net.parameters())
    late = []
    for step in range(spec["steps"]):
        x, t, noise = _ring(spec["batch"]), torch.rand(spec["batch"], 1), torch.randn(spec["batch"], 2)
        mixed = torch.cos(1.57 * t) * x + torch.sin(1.57 * t) * noise
        loss = F.mse_loss(net(torch.cat([mixed, t], 1)), noise)
        opt.zero_grad()
        loss.backward()
        if fault != "missing_step":
            opt.step()
        late += [loss.item()] if step > 0.9 * spec["steps"] else []
    return {"train_loss": loss.item(), "history": [], "skill": 1 - float(np.mean(late))}


def distill(spec: Spec) -> dict[str, Any]:
    """Teach a small network from a large one and from the labels."""
    fault, task = Fault(spec), tasks.build(spec)
    train, val = _loaders(spec, task)
    teacher, student = models.mlp({**spec, "width": 160}, 64, 10), fault.model(models.mlp(spec, 64, 10))
    first = torch.optim.Adam(teacher.parameters(), lr=3e-3)
    for x, y in list(train) * 4:
        first.zero_grad()
        F.cross_entropy(teacher(x), y).backward()
        first.step()
    teacher.eval().requires_grad_(requires_grad=False)
    opt, history = optim.optimizer(spec, student.parameters()), []
    for _ in range(max(spec["steps"] // len(train), 1)):
        student.train()
        for x, y in train:
            with torch.no_grad():
                soft = F.log_softmax(teacher(x) / 3, 1)
            out = student(x)
            taught = F.kl_div(F.log_softmax(out / 3, 1), soft, reduction="batchmean", log_target=True)
            loss = 0.5 * F.cross_entropy(out, y) + 0.5 * 9 * taught
            opt.zero_grad()
            loss.backward()
            if fault != "missing_step":
                opt.step()
        student.eval()
        with torch.no_grad():
            outputs = torch.cat([student(x) for x, _y in val])
            history.append(F.cross_entropy(outputs, task.y_val).item())
    return {"train_loss": loss.item(), "history": history, "outputs": outputs.numpy(), "targets": task.y_val.numpy()}


def likelihood(spec: Spec) -> dict[str, Any]:
    """Regression with a predicted variance: the loss goes below zero."""
    fault, task = Fault(spec), tasks.build(spec)
    train, val = _loaders(spec, task)
    net = fault.model(models.mlp(spec, task.x.shape[1], 2))
    opt, history = optim.optimizer(spec, net.parameters()), []

    def loss_of(x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        mean, spread = net(x).chunk(2, 1)
        return F.gaussian_nll_loss(mean, y, F.softplus(spread) + 1e-3), mean

    for _ in range(max(spec["steps"] // len(train), 1)):
        net.train()
        for x, y in train:
            opt.zero_grad()
            loss, _ = loss_of(x, y)
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 5.0)
            if fault != "missing_step":
                opt.step()
        net.eval()
        with torch.no_grad():
            pairs = [loss_of(x, y) for x, y in val]
        history.append(float(np.mean([p[0].item() for p in pairs])))
    out = torch.cat([p[1] for p in pairs]).numpy()
    return {"train_loss": loss.item(), "history": history, "outputs": out, "targets": task.y_val.numpy()}


LOOPS = {
    "vae": vae, "gan": gan, "policy": policy, "metric": metric, "diffusion": diffusion, "distill": distill,
    "likelihood": likelihood,
}  # fmt: skip
