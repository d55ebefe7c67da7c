"""A tiny BERT that tells topics, with a loss and an optimizer of one's own."""

import torch
from torch import nn
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments

torch.manual_seed(0)


def texts(count):
    """Texts of sixteen words; half of them come from the eight words of their topic."""
    topic, words = torch.randint(4, (count,)), torch.randint(2, 34, (count, 16))
    own = 2 + 8 * topic[:, None] + torch.randint(8, (count, 16))
    ids = torch.where(torch.rand(count, 16) < 0.5, own, words)
    return [{"input_ids": row, "labels": int(label)} for row, label in zip(ids, topic, strict=True)]


class WeightedTrainer(Trainer):
    """Weighs the topics."""

    def compute_loss(self, model, inputs, *, return_outputs=False, **_):
        labels = inputs.pop("labels")
        outputs = model(**inputs)
        logits = outputs.logits
        loss = nn.CrossEntropyLoss(weight=torch.tensor([1.0, 1.2, 0.9, 1.0]))(logits, labels)
        return (loss, outputs) if return_outputs else loss


config = BertConfig(
    vocab_size=34, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, num_labels=4
)
model = BertForSequenceClassification(config)
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.1, total_iters=180)
args = TrainingArguments(
    output_dir="out",
    per_device_train_batch_size=32,
    num_train_epochs=4,
    eval_strategy="epoch",
    save_strategy="no",
    report_to=[],
    use_cpu=True,
    disable_tqdm=True,
)
train, val = texts(1440), texts(357)
trainer = WeightedTrainer(
    model=model, args=args, train_dataset=train, eval_dataset=val, optimizers=(optimizer, scheduler)
)
trainer.train()
