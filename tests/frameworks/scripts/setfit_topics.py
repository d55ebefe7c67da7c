"""Few texts of four topics, by SetFit: a tiny sentence encoder on pairs, then a head of scikit-learn."""

import json
import sys
from pathlib import Path

import torch
from datasets import Dataset
from sentence_transformers import SentenceTransformer, models
from setfit import SetFitModel, Trainer, TrainingArguments
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from transformers import BertConfig, BertModel, BertTokenizerFast, TrainerCallback

torch.manual_seed(0)
folder = Path(sys.argv[1]) / "encoder"
folder.mkdir(parents=True, exist_ok=True)
vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"w{n}" for n in range(64))]
(folder / "vocab.txt").write_text("\n".join(vocabulary))
BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
BertModel(
    BertConfig(vocab_size=69, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64)
).save_pretrained(folder)


def topics(count):
    """Texts of ten words: four of a topic's own, the others of any."""
    topic = torch.randint(4, (count,))
    own = topic[:, None] * 16 + torch.randint(16, (count, 4))
    rows = torch.cat([own, torch.randint(64, (count, 6))], 1).tolist()
    return Dataset.from_dict({"text": [" ".join(f"w{n}" for n in row) for row in rows], "label": topic.tolist()})


encoder = models.Transformer(str(folder), max_seq_length=16)
body = SentenceTransformer(modules=[encoder, models.Pooling(encoder.get_word_embedding_dimension())], device="cpu")
model = SetFitModel(model_body=body, model_head=LogisticRegression(), labels=None)
history = []


class History(TrainerCallback):
    """Keeps what is logged."""

    def on_log(self, *_, logs=None, **__):
        history.append(dict(logs))


args = TrainingArguments(
    output_dir="out",
    batch_size=16,
    num_epochs=3,
    num_iterations=10,
    body_learning_rate=1e-3,
    logging_steps=1,
    logging_first_step=True,
    save_strategy="no",
    report_to="none",
    show_progress_bar=False,
)
train, test = topics(64), topics(200)
trainer = Trainer(
    model=model,
    args=args,
    train_dataset=train,
    eval_dataset=test,
    callbacks=[History()],
    metric=lambda predicted, labels: {"accuracy": accuracy_score(labels, predicted)},
)
trainer.train()
print("FIGURES", json.dumps({
    "steps": trainer.st_trainer.state.global_step,
    "losses": [entry["embedding_loss"] for entry in history if "embedding_loss" in entry],
    "rates": [entry["learning_rate"] for entry in history if "learning_rate" in entry],
    "accuracy": float(trainer.evaluate()["accuracy"]),
    "eval_losses": [],
    "epochs": 3,
    "batch_size": 16,
    "parameters": sum(p.numel() for p in model.model_body.parameters()),
}))  # fmt: skip
