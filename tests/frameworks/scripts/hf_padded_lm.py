"""A tiny GPT-2 from scratch on sentences of different lengths, padded by a collator of one's own."""

import torch
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments

torch.manual_seed(0)
PAD = 24


def sentences(count):
    """Counts by steps of one to four, modulo 24, of five to twenty numbers."""
    rows = []
    for _ in range(count):
        start, stride, length = torch.randint(24, ()), torch.randint(1, 5, ()), int(torch.randint(5, 21, ()))
        rows.append({"input_ids": (start + stride * torch.arange(length)) % 24})
    return rows


def collate(rows):
    ids = torch.nn.utils.rnn.pad_sequence([row["input_ids"] for row in rows], batch_first=True, padding_value=PAD)
    mask = (ids != PAD).long()
    labels = ids.clone()
    labels[mask == 0] = -100
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}


config = GPT2Config(vocab_size=25, n_positions=32, n_embd=32, n_layer=2, n_head=2, bos_token_id=None, eos_token_id=None)
model = GPT2LMHeadModel(config)
args = TrainingArguments(
    output_dir="out",
    learning_rate=3e-3,
    per_device_train_batch_size=16,
    num_train_epochs=5,
    warmup_steps=20,
    eval_strategy="epoch",
    save_strategy="no",
    report_to=[],
    use_cpu=True,
    disable_tqdm=True,
)
trainer = Trainer(
    model=model, args=args, train_dataset=sentences(800), eval_dataset=sentences(160), data_collator=collate
)
trainer.train()
