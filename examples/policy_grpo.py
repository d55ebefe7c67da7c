"""A small policy learns to write down the digits of its question, from rewards of groups of answers (GRPO).

python examples/policy_grpo.py                                a sound training: its loss stays near 0
python examples/policy_grpo.py --break groups-without-spread  the same training with a typical mistake
"""

import argparse

import torch
from torch import nn

import trainadvisor

BREAKS = ["groups-without-spread", "missing-zero-grad"]
DIGITS, PLACES, QUESTIONS, GROUP = 10, 6, 16, 16

parser = argparse.ArgumentParser(description="group relative policy optimization of a small policy")
parser.add_argument("--break", dest="broken", choices=BREAKS, help="train with this mistake")
args = parser.parse_args()


class Policy(nn.Module):
    """Scores of a digit at each place of the answer."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.tokens, self.places = nn.Embedding(DIGITS, width), nn.Embedding(PLACES, width)
        self.body = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, DIGITS))

    def forward(self, questions: torch.Tensor) -> torch.Tensor:
        """Scores of each digit, by question and place."""
        return self.body(self.tokens(questions) + self.places.weight)


def rewards_of(answers: torch.Tensor, questions: torch.Tensor) -> torch.Tensor:
    """The share of the right digits; broken, only a perfect answer counts."""
    right = answers == questions
    if args.broken == "groups-without-spread":
        return right.all(-1).float()
    return right.float().mean(-1)


def chosen_log_probabilities(policy: nn.Module, questions: torch.Tensor, answers: torch.Tensor) -> torch.Tensor:
    """Log-probabilities of the digits of answers."""
    scores = policy(questions).log_softmax(-1)
    return scores.gather(-1, answers[..., None]).squeeze(-1)


torch.manual_seed(0)
policy = Policy()
optimizer = torch.optim.Adam(policy.parameters(), lr=2e-3)
advisor = trainadvisor.watch(policy, optimizer, log="log.json")

for step in range(1, 241):
    questions = torch.randint(0, DIGITS, (QUESTIONS, PLACES)).repeat_interleave(GROUP, 0)
    with torch.no_grad():
        answers = torch.distributions.Categorical(logits=policy(questions)).sample()
        before = chosen_log_probabilities(policy, questions, answers)
    rewards = rewards_of(answers, questions).view(QUESTIONS, GROUP)
    spread = rewards.std(1, keepdim=True)
    advantages = ((rewards - rewards.mean(1, keepdim=True)) / (spread + 1e-4)).flatten()
    ratio = (chosen_log_probabilities(policy, questions, answers) - before).exp()
    gains = torch.minimum(ratio * advantages[:, None], ratio.clamp(0.8, 1.2) * advantages[:, None])
    loss = -gains.mean()
    if args.broken != "missing-zero-grad":
        optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 20 == 0:
        with torch.no_grad():
            asked = torch.randint(0, DIGITS, (256, PLACES))
            score = (policy(asked).argmax(-1) == asked).float().mean().item()
        advisor.validation(reward=score)
        print(f"step {step}: loss {loss.item():+.4f}, reward {rewards.mean().item():.2f}, held out {score:.2f}")
print("next: trainadvisor diagnose log.json")
