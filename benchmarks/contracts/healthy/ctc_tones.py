"""CTC on synthetic tone sequences; every symbol lasts three to five frames."""

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(8)
torch.set_num_threads(1)
N_SYMBOLS, BANDS = 6, 12


class Tones(Dataset):
    def __init__(self, n, seed):
        g = torch.Generator().manual_seed(seed)
        self.items = []
        for _ in range(n):
            k = int(torch.randint(3, 7, (1,), generator=g))
            symbols = torch.randint(1, N_SYMBOLS + 1, (k,), generator=g)
            lasting = torch.randint(3, 6, (k,), generator=g)
            frames = []
            for s, d in zip(symbols.tolist(), lasting.tolist(), strict=True):
                tone = torch.zeros(d, BANDS)
                tone[:, 2 * (s - 1) : 2 * s] = 1.0
                frames += [tone, torch.zeros(1, BANDS)]
            x = torch.cat(frames)
            self.items.append((x + 0.3 * torch.randn(x.shape, generator=g), symbols))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


def collate(batch):
    xs, ys = zip(*batch, strict=True)
    x_len, y_len = torch.tensor([len(x) for x in xs]), torch.tensor([len(y) for y in ys])
    return nn.utils.rnn.pad_sequence(xs, batch_first=True), x_len, torch.cat(ys), y_len


class Recognizer(nn.Module):
    def __init__(self, h=32):
        super().__init__()
        self.conv = nn.Conv1d(BANDS, h, 3, padding=1)
        self.rnn = nn.GRU(h, h, batch_first=True, bidirectional=True)
        self.out = nn.Linear(2 * h, N_SYMBOLS + 1)

    def forward(self, x):
        h = torch.relu(self.conv(x.transpose(1, 2))).transpose(1, 2)
        return self.out(self.rnn(h)[0]).log_softmax(-1)


def decode(logp, length):
    path = logp[:length].argmax(-1).unique_consecutive()
    return path[path != 0].tolist()


model = Recognizer()
optimizer = torch.optim.Adam(model.parameters(), lr=6e-3)
ctc = nn.CTCLoss(blank=0, zero_infinity=True)
train = DataLoader(Tones(1200, 1), batch_size=32, shuffle=True, collate_fn=collate)
test = Tones(100, 2)
for epoch in range(6):
    model.train()
    for x, x_len, y, y_len in train:
        loss = ctc(model(x).transpose(0, 1), y, x_len, y_len)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    model.eval()
    with torch.no_grad():
        right = sum(decode(model(x[None])[0], len(x)) == y.tolist() for x, y in test)
    print(f"epoch {epoch}: ctc loss {loss.item():.3f}, exact {right}/100")
