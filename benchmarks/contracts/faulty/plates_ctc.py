"""Reads licence plates from strips of pixels: convolution, pooling, BiLSTM and CTC."""

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

SYMBOLS, HEIGHT = 9, 8
GLYPHS = (torch.rand(SYMBOLS, HEIGHT, 5, generator=torch.Generator().manual_seed(77)) > 0.5).float()


class Plates(Dataset):
    def __init__(self, n, seed):
        g = torch.Generator().manual_seed(seed)
        self.items = []
        for _ in range(n):
            text = torch.randint(0, SYMBOLS, (int(torch.randint(5, 8, (1,), generator=g)),), generator=g)
            gaps = torch.randint(0, 7, (len(text),), generator=g).tolist()
            strip = torch.cat([nn.functional.pad(GLYPHS[c], (0, gap)) for c, gap in zip(text, gaps, strict=True)], 1)
            self.items.append((strip + 0.2 * torch.randn(strip.shape, generator=g), text + 1))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


def collate(batch):
    width = max(s.shape[1] for s, _ in batch)
    strips = torch.stack([nn.functional.pad(s, (0, width - s.shape[1])) for s, _ in batch])
    widths = torch.tensor([s.shape[1] for s, _ in batch])
    return strips, widths, torch.cat([t for _, t in batch]), torch.tensor([len(t) for _, t in batch])


class PlateReader(nn.Module):
    def __init__(self, hidden=40):
        super().__init__()
        self.cnn = nn.Sequential(
            nn.Conv1d(HEIGHT, 32, 5, padding=2), nn.ReLU(), nn.MaxPool1d(2),
            nn.Conv1d(32, 48, 3, padding=1), nn.ReLU(), nn.MaxPool1d(2), nn.MaxPool1d(2),
        )  # fmt: skip
        self.rnn = nn.LSTM(48, hidden, bidirectional=True, batch_first=True)
        self.fc = nn.Linear(2 * hidden, SYMBOLS + 1)
        self.stride = 8

    def forward(self, strips, widths):
        h = self.cnn(strips).permute(0, 2, 1)
        return self.fc(self.rnn(h)[0]).log_softmax(2).permute(1, 0, 2), widths // self.stride


def greedy(log_probs, length):
    best = log_probs[:length].argmax(1).unique_consecutive()
    return best[best > 0]


torch.manual_seed(1)
torch.set_num_threads(1)
train, test = DataLoader(Plates(1200, 1), 40, shuffle=True, collate_fn=collate), Plates(100, 2)
net = PlateReader()
criterion = nn.CTCLoss(zero_infinity=True)
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
for epoch in range(8):
    net.train()
    total = 0.0
    for strips, widths, texts, lengths in train:
        log_probs, frames = net(strips, widths)
        loss = criterion(log_probs, texts, frames, lengths)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimizer.step()
        total += loss.item()
    net.eval()
    right = 0
    with torch.no_grad():
        for strip, text in test:
            log_probs, frames = net(strip[None], torch.tensor([strip.shape[1]]))
            right += torch.equal(greedy(log_probs[:, 0], frames.item()), text)
    print(f"epoch {epoch} ctc {total / len(train):.4f} plates read {right}/100")
