"""A language model that copies is taught by adapters to reverse: prompts are masked, and the base is frozen.

python examples/lora_finetuning.py                            a sound training
python examples/lora_finetuning.py --break prompt-not-masked  the same training with a typical mistake
"""

import argparse

import torch
from torch import nn
from torch.nn import functional as F

import trainadvisor

BREAKS = ["lr-too-low", "prompt-not-masked"]
VOCABULARY, PROMPT, ANSWER, SEPARATOR, STOP = 48, 14, 3, 0, 1
LENGTH = PROMPT + ANSWER + 2

parser = argparse.ArgumentParser(description="adapters on a small language model")
parser.add_argument("--break", dest="broken", choices=BREAKS, help="train with this mistake")
args = parser.parse_args()


class Adapted(nn.Module):
    """A linear layer with an adapter of low rank beside it, which begins as no change at all."""

    def __init__(self, inputs: int, outputs: int, rank: int = 16) -> None:
        super().__init__()
        self.base = nn.Linear(inputs, outputs)
        self.lora_A = nn.Parameter(torch.randn(rank, inputs) / inputs**0.5)
        self.lora_B = nn.Parameter(torch.zeros(outputs, rank))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The answer of the layer, and what the adapter adds to it."""
        return self.base(x) + 2.0 * (x @ self.lora_A.T) @ self.lora_B.T


class Block(nn.Module):
    """Causal attention and a small network, each with adapters."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm_1, self.norm_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = Adapted(width, 3 * width), Adapted(width, width)
        self.up, self.down = Adapted(width, 4 * width), Adapted(4 * width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """What attention and the network add."""
        q, k, v = (part.unflatten(-1, (4, -1)).transpose(1, 2) for part in self.qkv(self.norm_1(x)).chunk(3, -1))
        x = x + self.out(F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2))
        return x + self.down(F.gelu(self.up(self.norm_2(x))))


class LanguageModel(nn.Module):
    """Two blocks over ids."""

    def __init__(self, width: int = 48) -> None:
        super().__init__()
        self.tokens, self.places = nn.Embedding(VOCABULARY, width), nn.Embedding(LENGTH, width)
        self.blocks = nn.ModuleList([Block(width), Block(width)])
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, VOCABULARY)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Scores of the next id at every place."""
        x = self.tokens(ids) + self.places.weight[: ids.shape[1]]
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


def examples(count: int, *, reverse: bool, masked: bool = True) -> tuple[torch.Tensor, torch.Tensor]:
    """Prompts whose first ids are the answer, in order or reversed, with labels for the answers."""
    prompt = torch.randint(2, VOCABULARY, (count, PROMPT))
    answer = prompt[:, :ANSWER].flip(1) if reverse else prompt[:, :ANSWER]
    ids = torch.cat([prompt, torch.full((count, 1), SEPARATOR), answer, torch.full((count, 1), STOP)], 1)
    labels = ids.clone()
    if masked:
        labels[:, : PROMPT + 1] = -100
    return ids, labels


def next_id_loss(model: nn.Module, ids: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of the next id where its label counts."""
    return F.cross_entropy(model(ids)[:, :-1].flatten(0, 1), labels[:, 1:].flatten(), ignore_index=-100)


def pretrained(steps: int = 200) -> dict[str, torch.Tensor]:
    """Weights of a model that was taught to copy."""
    model = LanguageModel()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(steps):
        optimizer.zero_grad()
        next_id_loss(model, *examples(32, reverse=False)).backward()
        optimizer.step()
    return model.state_dict()


torch.manual_seed(0)
base, model = pretrained(), LanguageModel()
for name, parameter in model.named_parameters():
    parameter.requires_grad_("lora" in name)

masked = args.broken != "prompt-not-masked"
train, validation = examples(512, reverse=True, masked=masked), examples(256, reverse=True, masked=masked)
adapters = [parameter for parameter in model.parameters() if parameter.requires_grad]
optimizer = torch.optim.AdamW(adapters, lr=2e-6 if args.broken == "lr-too-low" else 5e-3)
advisor = trainadvisor.watch(model, optimizer, log="log.json")
model.load_state_dict(base)

for epoch in range(9):
    model.train()
    for rows in torch.randperm(512).split(32):
        optimizer.zero_grad()
        loss = next_id_loss(model, train[0][rows], train[1][rows])
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        held_out = next_id_loss(model, *validation).item()
    print(f"epoch {epoch + 1}: training loss {loss.item():.3f}, validation loss {held_out:.3f}")
print("next: trainadvisor diagnose log.json")
