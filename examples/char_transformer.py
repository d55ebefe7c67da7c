"""A small character transformer learns the sentences of a generated grammar.

python examples/char_transformer.py                         a sound training
python examples/char_transformer.py --break lr-too-high     the same training with a typical mistake
"""

import argparse
import random

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

import trainadvisor

BREAKS = ["frozen-parameters", "lr-too-high", "missing-zero-grad"]
NOUNS, VERBS = ["cat", "dog", "bird", "child", "robot"], ["sees", "hears", "likes", "follows"]
PLACES = ["in the house", "at the river", "under a tree"]
LENGTH = 32

parser = argparse.ArgumentParser(description="character transformer on a generated grammar")
parser.add_argument("--break", dest="broken", choices=BREAKS, help="train with this mistake")
args = parser.parse_args()


def sentence() -> str:
    """One sentence of the grammar."""
    place = " " + random.choice(PLACES) if random.random() < 0.5 else ""
    return f"the {random.choice(NOUNS)} {random.choice(VERBS)} the {random.choice(NOUNS)}{place}. "


def windows(count: int) -> TensorDataset:
    """Windows of a generated text: characters and the characters that follow them."""
    text = "".join(sentence() for _ in range(count))
    codes = torch.tensor([ALPHABET.index(letter) for letter in text])
    rows = codes[: (len(codes) - 1) // LENGTH * LENGTH + 1]
    return TensorDataset(rows[:-1].view(-1, LENGTH), rows[1:].view(-1, LENGTH))


class CharTransformer(nn.Module):
    """Two transformer layers over characters, each position sees only what came before it."""

    def __init__(self, width: int = 48) -> None:
        super().__init__()
        self.embedding = nn.Embedding(len(ALPHABET), width)
        self.position = nn.Embedding(LENGTH, width)
        layer = nn.TransformerEncoderLayer(width, 4, 2 * width, dropout=0.0, batch_first=True, norm_first=True)
        self.blocks = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, len(ALPHABET))

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        """Scores of the next character at every position."""
        length = codes.shape[1]
        mask = nn.Transformer.generate_square_subsequent_mask(length)
        states = self.embedding(codes) + self.position(torch.arange(length))
        return self.head(self.norm(self.blocks(states, mask=mask, is_causal=True)))


def next_character_loss(model: nn.Module, codes: torch.Tensor, following: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of the next character, mean over all positions."""
    return F.cross_entropy(model(codes).flatten(0, 1), following.flatten())


random.seed(0)
torch.manual_seed(0)
ALPHABET = sorted(set("".join(NOUNS + VERBS + PLACES) + "the. "))
train_loader = DataLoader(windows(1200), batch_size=32, shuffle=True)
validation_loader = DataLoader(windows(200), batch_size=64)

model = CharTransformer()
trained = model.head.parameters() if args.broken == "frozen-parameters" else model.parameters()
lr = 1.0 if args.broken == "lr-too-high" else 0.003
optimizer = torch.optim.AdamW(trained, lr=lr)
scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, (step + 1) / 20))
advisor = trainadvisor.watch(model, optimizer, log="log.json")

for epoch in range(4):
    model.train()
    for codes, following in train_loader:
        if args.broken != "missing-zero-grad":
            optimizer.zero_grad()
        loss = next_character_loss(model, codes, following)
        loss.backward()
        optimizer.step()
        scheduler.step()
    model.eval()
    with torch.no_grad():
        losses = [next_character_loss(model, *batch).item() for batch in validation_loader]
    print(f"epoch {epoch + 1}: training loss {loss.item():.3f}, validation loss {sum(losses) / len(losses):.3f}")
print("next: trainadvisor diagnose log.json")
