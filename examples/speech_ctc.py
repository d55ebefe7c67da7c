"""Speech recognition in miniature: a recurrent network with CTC reads melodies of generated tones.

python examples/speech_ctc.py                      a sound training
python examples/speech_ctc.py --break nan-inputs   the same training with a typical mistake
"""

import argparse
import math

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

import trainadvisor

BREAKS = ["lr-too-high", "missing-zero-grad", "nan-inputs"]
PITCHES = [440.0, 660.0, 880.0, 1320.0, 1760.0]
RATE, TONE, LENGTH = 8000, 1200, 4  # samples a second, samples a tone, tones a melody

parser = argparse.ArgumentParser(description="CTC on generated tones")
parser.add_argument("--break", dest="broken", choices=BREAKS, help="train with this mistake")
args = parser.parse_args()


def features(sound: torch.Tensor) -> torch.Tensor:
    """The logarithm of the spectrum, one row for each 25 ms."""
    power = torch.stft(sound, 256, 200, window=torch.hann_window(256), return_complex=True).abs() ** 2
    floor = 0.0 if args.broken == "nan-inputs" else 1e-3  # the logarithm of silence is minus infinity
    log_power = (power[:, :64] + floor).log().transpose(1, 2)
    return (log_power - log_power.mean()) / log_power.std()


def melodies(count: int) -> TensorDataset:
    """Melodies of four tones with a pause after each, and their notes (0 is the blank of CTC)."""
    notes = torch.randint(1, len(PITCHES) + 1, (count, LENGTH))
    pitch = torch.tensor(PITCHES)[notes - 1][..., None]
    time = torch.arange(TONE) / RATE
    tone = torch.sin(2 * math.pi * pitch * time) * (torch.rand(count, LENGTH, 1) + 0.5)
    silence = torch.zeros(count, LENGTH, TONE // 2)
    return TensorDataset(features(torch.cat([tone, silence], dim=2).flatten(1)), notes)


class Recognizer(nn.Module):
    """Spectrum rows to log-probabilities of notes."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 48), nn.ReLU())
        self.memory = nn.GRU(48, 48, batch_first=True)
        self.head = nn.Linear(48, len(PITCHES) + 1)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Log-probabilities in the order that CTC wants: time, batch, note."""
        states, _ = self.memory(self.encoder(rows))
        return F.log_softmax(self.head(states), dim=2).transpose(0, 1)


def ctc(log_probabilities: torch.Tensor, notes: torch.Tensor) -> torch.Tensor:
    """The CTC loss for melodies of equal length."""
    frames, count, _ = log_probabilities.shape
    return F.ctc_loss(log_probabilities, notes, torch.full((count,), frames), torch.full((count,), LENGTH))


def heard(log_probabilities: torch.Tensor) -> list[list[int]]:
    """The best path, with repetitions and blanks removed."""
    paths = [torch.unique_consecutive(path).tolist() for path in log_probabilities.argmax(2).T]
    return [[note for note in path if note] for path in paths]


torch.manual_seed(0)
train_loader = DataLoader(melodies(640), batch_size=16, shuffle=True)
validation_loader = DataLoader(melodies(100), batch_size=100)

model = Recognizer()
lr = 10.0 if args.broken == "lr-too-high" else 0.003
optimizer = torch.optim.Adam(model.parameters(), lr=lr)
advisor = trainadvisor.watch(model, optimizer, log="log.json")

for epoch in range(8):
    model.train()
    for rows, notes in train_loader:
        if args.broken != "missing-zero-grad":
            optimizer.zero_grad()
        loss = ctc(model(rows), notes)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        for rows, notes in validation_loader:
            outputs = model(rows)
            validation_loss = ctc(outputs, notes)
            right = sum(path == truth for path, truth in zip(heard(outputs), notes.tolist(), strict=True))
    print(f"epoch {epoch + 1}: training loss {loss.item():.3f}, melodies recognized {right / 100:.2f}")
print("next: trainadvisor diagnose log.json")
