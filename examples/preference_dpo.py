"""A small policy learns from pairs of answers (DPO): the better one has more even ids.

python examples/preference_dpo.py                               a sound training
python examples/preference_dpo.py --break reference-not-copied  the same training with a typical mistake
"""

import argparse
import copy

import torch
from torch import nn
from torch.nn import functional as F

import trainadvisor

BREAKS = ["missing-optimizer-step", "reference-not-copied"]
VOCABULARY, QUESTION, ANSWER, BETA = 32, 4, 6, 0.1

parser = argparse.ArgumentParser(description="direct preference optimization of a small policy")
parser.add_argument("--break", dest="broken", choices=BREAKS, help="train with this mistake")
args = parser.parse_args()


class LanguageModel(nn.Module):
    """A recurrent language model."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.tokens = nn.Embedding(VOCABULARY, width)
        self.body = nn.GRU(width, width, batch_first=True)
        self.head = nn.Linear(width, VOCABULARY)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Scores of the next id at every place."""
        return self.head(self.body(self.tokens(ids))[0])


def answer_log_probability(model: nn.Module, ids: torch.Tensor) -> torch.Tensor:
    """Sum of the log-probabilities of an answer's ids."""
    scores = model(ids[:, :-1]).log_softmax(-1)
    each = scores.gather(-1, ids[:, 1:, None]).squeeze(-1)
    return each[:, QUESTION - 1 :].sum(1)


def pairs(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Two answers to each question, the preferred one first."""
    question = torch.randint(0, VOCABULARY, (count, QUESTION))
    answers = torch.randint(0, VOCABULARY, (count, 2, ANSWER))
    order = (answers % 2 == 0).sum(-1).argsort(1, descending=True)
    chosen, rejected = answers[torch.arange(count), order[:, 0]], answers[torch.arange(count), order[:, 1]]
    return torch.cat([question, chosen], 1), torch.cat([question, rejected], 1)


def preference_loss(policy: nn.Module, reference: nn.Module, chosen: torch.Tensor, rejected: torch.Tensor) -> tuple:
    """The loss of DPO, and the margins of the rewards."""
    with torch.no_grad():
        before = answer_log_probability(reference, chosen), answer_log_probability(reference, rejected)
    now = answer_log_probability(policy, chosen), answer_log_probability(policy, rejected)
    margin = BETA * ((now[0] - before[0]) - (now[1] - before[1]))
    return -F.logsigmoid(margin).mean(), margin.detach()


torch.manual_seed(0)
model = LanguageModel()
reference = model
if args.broken != "reference-not-copied":
    reference = copy.deepcopy(model).requires_grad_(requires_grad=False)
train, validation = pairs(2048), pairs(256)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
advisor = trainadvisor.watch(model, optimizer, log="log.json")

for epoch in range(5):
    model.train()
    for rows in torch.randperm(2048).split(64):
        optimizer.zero_grad()
        loss, _ = preference_loss(model, reference, train[0][rows], train[1][rows])
        loss.backward()
        if args.broken != "missing-optimizer-step":
            optimizer.step()
    model.eval()
    with torch.no_grad():
        held_out, margin = preference_loss(model, reference, *validation)
    accuracy = (margin > 0).float().mean().item()
    advisor.validation(held_out, accuracy=accuracy)
    print(f"epoch {epoch + 1}: loss {loss.item():.3f}, held out {held_out.item():.3f}, accuracy {accuracy:.2f}")
print("next: trainadvisor diagnose log.json")
