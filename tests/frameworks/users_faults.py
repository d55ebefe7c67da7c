"""Faults that users of the frameworks make, put into sound scripts."""

# ruff: noqa: E501 - texts of scripts

from typing import NamedTuple


class Fault(NamedTuple):
    """A script, texts of it and what a faulty one has there, the causes that are right, and the line to change."""

    script: str
    changes: tuple[tuple[str, str], ...]
    codes: tuple[str, ...]
    line: str | None = None


_SORTED = "order = torch.argsort(y)\nx, y = x[order], y[order]\n"
# The right cause comes first.
TOLD = {
    "hf-softmax": Fault(
        "hf_own_loss",
        (("logits = outputs.logits", "logits = outputs.logits.softmax(-1)"),),
        ("softmax-before-cross-entropy",),
    ),
    "hf-optimizer-head": Fault(
        "hf_own_loss",
        (("AdamW(model.parameters()", "AdamW(model.classifier.parameters()"),),
        ("optimizer-param-mismatch",),
    ),
    "hf-freeze": Fault(
        "hf_own_loss",
        (
            (
                "optimizer = ",
                "for parameter in model.bert.parameters():\n    parameter.requires_grad = False\noptimizer = ",
            ),
        ),
        ("frozen-parameters",),
    ),
    "hf-schedule-short": Fault(
        "hf_own_loss",
        (
            (
                "LinearLR(optimizer, 1.0, 0.1, total_iters=180)",
                "LambdaLR(optimizer, lambda epoch: max(0.0, 1 - epoch / 4))",
            ),
        ),
        ("lr-schedule",),
    ),
    "hf-clip-tiny": Fault(
        "hf_padded_lm",
        (("warmup_steps=20,", 'warmup_steps=20,\n    optim="sgd",\n    max_grad_norm=1e-4,'),),
        ("clipping-always-active",),
        "max_grad_norm=1e-4,",
    ),
    "trl-lr-high": Fault(
        "trl_completion", (("learning_rate=2e-3", "learning_rate=2.0"),), ("lr-too-high",), "learning_rate=2.0,"
    ),
    "dpo-lr-high": Fault(
        "trl_dpo",
        (("learning_rate=2e-4", "learning_rate=0.5"),),
        ("lr-too-high", "divergence", "preference-collapse"),
        "learning_rate=0.5,",
    ),
    "acc-no-step": Fault("accelerate_loop", (("            optimizer.step()\n", ""),), ("missing-optimizer-step",)),
    "acc-optimizer-other": Fault(
        "accelerate_loop",
        (
            ("optimizer = torch", "model[0] = nn.Linear(64, 64)\noptimizer = torch"),
            ("AdamW(model.parameters()", "AdamW(model[2].parameters()"),
        ),
        ("optimizer-param-mismatch",),
    ),
    "acc-eval-train-mode": Fault(
        "accelerate_loop",
        (("nn.ReLU(), nn.Linear(64, 10)", "nn.ReLU(), nn.Dropout(0.5), nn.Linear(64, 10)"), ("    model.eval()\n", "")),
        ("train-mode-in-eval",),
    ),
    "acc-clip": Fault(
        "accelerate_loop",
        (
            (
                "            optimizer.step()\n",
                "            if accelerator.sync_gradients:\n                accelerator.clip_grad_norm_(model.parameters(), 1e-4)\n            optimizer.step()\n",
            ),
            ("torch.optim.AdamW(model.parameters(), lr=2e-3)", "torch.optim.SGD(model.parameters(), lr=0.1)"),
        ),
        ("clipping-always-active",),
    ),
    "pl-no-step": Fault("lightning_manual", (("        optimizer.step()\n", ""),), ("missing-optimizer-step",)),
    "pl-no-zero": Fault("lightning_manual", (("        optimizer.zero_grad()\n", ""),), ("missing-zero-grad",)),
    "pl-raw-inputs": Fault(
        "lightning_manual",
        (("dtype=torch.float32)[:, None] / 16", "dtype=torch.float32)[:, None] * 4000"),),
        ("unnormalized-inputs",),
    ),
    "k-lr-high": Fault(
        "keras_spam",
        (("learning_rate=2e-3", "learning_rate=3.0"),),
        ("lr-too-high",),
        "optimizer=keras.optimizers.Adam(learning_rate=3.0),",
    ),
    "sk-softmax-ce": Fault(
        "skorch_moons",
        (("    batch_size=32,\n", "    batch_size=32,\n    criterion=nn.CrossEntropyLoss,\n"),),
        ("softmax-before-cross-entropy",),
    ),
    "sk-logits-nll": Fault(
        "skorch_moons",
        (("return torch.softmax(self.output(self.hidden(x)), dim=-1)", "return self.output(self.hidden(x))"),),
        ("softmax-before-cross-entropy", "wrong-output-activation", "wrong-loss-function", "log-of-softmax"),
    ),
    "sk-softmax-dim": Fault("skorch_moons", (("dim=-1", "dim=0"),), ("softmax-wrong-dim",)),
    "sk-lr-low": Fault("skorch_moons", (("lr=0.01", "lr=1e-8"),), ("lr-too-low",), "lr=1e-8,"),
    "ig-no-zero": Fault("ignite_own", (("    optimizer.zero_grad()\n", ""),), ("missing-zero-grad",)),
    "ig-no-step": Fault("ignite_own", (("    optimizer.step()\n", ""),), ("missing-optimizer-step",)),
    "ig-eval-mode": Fault("ignite_own", (("    model.eval()\n", ""),), ("train-mode-in-eval",)),
    "ig-train-mode": Fault("ignite_own", (("    model.train()\n", ""),), ("eval-mode-in-training",)),
    "ig-lr": Fault(
        "ignite_digits",
        (("lr=2e-3", "lr=3.0"),),
        ("lr-too-high",),
        "optimizer = torch.optim.Adam(model.parameters(), lr=3.0)",
    ),
    "ig-schedule": Fault(
        "ignite_own",
        (("LinearLR(optimizer, 1.0, 0.1, total_iters=450)", "ExponentialLR(optimizer, 0.5)"),),
        ("lr-schedule",),
    ),
    "ig-clip-after": Fault(
        "ignite_own",
        (
            (
                "    torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)\n    optimizer.step()\n",
                "    optimizer.step()\n    torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)\n",
            ),
        ),
        ("clip-after-step",),
    ),
    "fa-softmax": Fault(
        "fastai_digits",
        (("nn.Linear(64, 10))", "nn.Linear(64, 10), nn.Softmax(dim=1))"),),
        ("softmax-before-cross-entropy",),
        "model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10), nn.Softmax(dim=1))",
    ),
    "fa-labels": Fault(
        "fastai_digits",
        (("torch.tensor(digits.target)", "torch.tensor(digits.target)[torch.randperm(1797)]"),),
        ("label-problem",),
    ),
    "fa-frozen": Fault(
        "fastai_digits",
        (("learner.fit(6", "model[0].requires_grad_(False)\nlearner.fit(6"),),
        ("frozen-parameters",),
        "model[0].requires_grad_(False)",
    ),
    "ti-lr": Fault(
        "timm_cosine",
        (("lr=2e-3", "lr=1.0"),),
        ("lr-too-high",),
        'optimizer = create_optimizer_v2(model, opt="adamw", lr=1.0, weight_decay=0.05)',
    ),
    "ti-schedule": Fault(
        "timm_cosine",
        (
            (
                "        optimizer.step()\n",
                "        optimizer.step()\n        step = step + 1\n        scheduler.step(step)\n",
            ),
            ("    scheduler.step(epoch + 1)\n", ""),
            ("epochs = 8\n", "epochs, step = 8, 0\n"),
        ),
        ("lr-schedule",),
    ),
    "ti-eval-mode": Fault(
        "timm_cosine",
        (("    model.train()\n", ""), ("epochs = 8", "model.eval()\nepochs = 8")),
        ("eval-mode-in-training",),
    ),
    "ti-decay": Fault("timm_cosine", (("weight_decay=0.05", "weight_decay=50.0"),), ("weight-decay-too-strong",)),
    "ti-frozen": Fault(
        "timm_cosine",
        (
            (
                "optimizer = create",
                "for parameter in model.blocks.parameters():\n    parameter.requires_grad_(False)\noptimizer = create",
            ),
        ),
        ("frozen-parameters",),
    ),
    "k-targets": Fault(
        "keras_prices",
        (('y = ((price - price.mean()) / price.std()).astype("float32")', 'y = price.astype("float32")'),),
        ("unnormalized-targets",),
    ),
    "k-inputs": Fault(
        "keras_prices",
        (("x = (features - features.mean(0)) / features.std(0)", "x = features * 100"),),
        ("unnormalized-inputs",),
        "x = features * 100",
    ),
    "k-lr-low": Fault(
        "keras_prices",
        (("learning_rate=1e-3", "learning_rate=1e-8"),),
        ("lr-too-low",),
        'model.compile(optimizer=keras.optimizers.Adam(learning_rate=1e-8), loss="mse", metrics=["mae"])',
    ),
    "k-from-logits": Fault(
        "keras_spam",
        (("BinaryCrossentropy()", "BinaryCrossentropy(from_logits=True)"),),
        ("softmax-before-cross-entropy", "wrong-output-activation"),
        "loss=keras.losses.BinaryCrossentropy(from_logits=True),",
    ),
    "k-logits-as-probs": Fault(
        "keras_digits",
        (("SparseCategoricalCrossentropy(from_logits=True)", "SparseCategoricalCrossentropy()"),),
        ("softmax-before-cross-entropy", "wrong-output-activation", "log-of-softmax", "wrong-loss-function"),
        "loss=keras.losses.SparseCategoricalCrossentropy(),",
    ),
    "k-softmax-one": Fault(
        "keras_spam",
        (('activation="sigmoid")(hidden)', 'activation="softmax")(hidden)'),),
        ("softmax-wrong-dim", "wrong-output-activation", "constant-output", "wrong-loss-function"),
    ),
    "acc-zero-before-step": Fault(
        "accelerate_loop",
        (
            (
                "            accelerator.backward(loss)\n",
                "            accelerator.backward(loss)\n            optimizer.zero_grad()\n",
            ),
        ),
        ("zero-grad-before-step",),
    ),
    "pl-zero-late": Fault(
        "lightning_manual",
        (("        optimizer.step()\n", "        optimizer.zero_grad()\n        optimizer.step()\n"),),
        ("zero-grad-before-step",),
    ),
    "hf-lr-10": Fault(
        "hf_padded_lm", (("learning_rate=3e-3", "learning_rate=1.0"),), ("lr-too-high",), "learning_rate=1.0,"
    ),
    "pl-clip": Fault(
        "lightning_digits",
        (
            ("max_epochs=6,", "max_epochs=6,\n    gradient_clip_val=1e-4,"),
            ("torch.optim.Adam(self.parameters(), lr=2e-3)", "torch.optim.SGD(self.parameters(), lr=0.1)"),
        ),
        ("clipping-always-active",),
        "gradient_clip_val=1e-4,",
    ),
    "sk-lr-30": Fault("skorch_digits", (("lr=2e-3", "lr=30.0"),), ("lr-too-high",)),
    "sk-lr": Fault("skorch_moons", (("lr=0.01", "lr=10.0"),), ("lr-too-high",), "lr=10.0,"),
    "pl-list": Fault(
        "lightning_manual", (("nn.ModuleList([", "list(["),), ("unregistered-modules", "optimizer-param-mismatch")
    ),
    "sk-raw-inputs": Fault(
        "skorch_digits", ((" / 16, digits.target", " * 200, digits.target"),), ("unnormalized-inputs",)
    ),
    "sk-dropout": Fault(
        "skorch_digits",
        (("nn.ReLU(), nn.Linear(64, 10)", "nn.ReLU(), nn.Dropout(0.98), nn.Linear(64, 10)"),),
        ("dropout-too-strong",),
    ),
    "ig-sigmoid-end": Fault(
        "ignite_own",
        (("nn.Linear(64, 10)\n", "nn.Linear(64, 10), nn.Sigmoid()\n"),),
        ("wrong-output-activation", "softmax-before-cross-entropy"),
    ),
    "ig-zero-weights": Fault(
        "ignite_own",
        (
            (
                "optimizer = torch",
                "for parameter in model.parameters():\n    nn.init.zeros_(parameter)\noptimizer = torch",
            ),
        ),
        ("symmetric-initialization",),
    ),
    "ig-labels": Fault(
        "ignite_own",
        (("y = torch.tensor(digits.target)", "y = torch.tensor(digits.target)[torch.randperm(1797)]"),),
        ("label-problem",),
    ),
    "acc-sorted": Fault(
        "accelerate_loop",
        (
            ("y = torch.tensor(digits.target)\n", "y = torch.tensor(digits.target)\n" + _SORTED),
            ("batch_size=16, shuffle=True", "batch_size=16"),
        ),
        ("unshuffled-data",),
    ),
    "acc-lr-low": Fault(
        "accelerate_loop",
        (("lr=2e-3", "lr=2e-9"),),
        ("lr-too-low",),
        "optimizer = torch.optim.AdamW(model.parameters(), lr=2e-9)",
    ),
    "acc-schedule": Fault(
        "accelerate_loop", (("1.0, 0.1, total_iters=270", "1.0, 1e-6, total_iters=10"),), ("lr-schedule",)
    ),
    "pl-lr-low": Fault(
        "lightning_digits",
        (("lr=2e-3", "lr=2e-9"),),
        ("lr-too-low",),
        "return torch.optim.Adam(self.parameters(), lr=2e-9)",
    ),
    "k-sigmoid-prices": Fault(
        "keras_prices",
        (("keras.layers.Dense(1),", 'keras.layers.Dense(1, activation="sigmoid"),'),),
        ("wrong-output-activation",),
    ),
    "k-decay": Fault(
        "keras_spam",
        (("Adam(learning_rate=2e-3)", "AdamW(learning_rate=2e-3, weight_decay=100.0)"),),
        ("weight-decay-too-strong",),
    ),
    "k-clip": Fault(
        "keras_spam",
        (("Adam(learning_rate=2e-3)", "SGD(learning_rate=0.05, global_clipnorm=1e-5)"),),
        ("clipping-always-active",),
    ),
    "acc-raw-inputs": Fault(
        "accelerate_loop", (("dtype=torch.float32) / 16", "dtype=torch.float32) * 500"),), ("unnormalized-inputs",)
    ),
    "sk-decay": Fault(
        "skorch_digits",
        (("iterator_train__shuffle=True,", "iterator_train__shuffle=True, optimizer__weight_decay=10.0,"),),
        ("weight-decay-too-strong",),
    ),
    "lora-lr-high": Fault(
        "hf_lora", (("learning_rate=5e-3", "learning_rate=5.0"),), ("lr-too-high",), "learning_rate=5.0,"
    ),
    "hf-warmup": Fault(
        "hf_classification",
        (("    num_train_epochs=4,\n", "    num_train_epochs=4,\n    warmup_steps=100_000,\n"),),
        ("lr-schedule",),
    ),
    "sk-digits-lr-low": Fault("skorch_digits", (("lr=2e-3", "lr=2e-9"),), ("lr-too-low",)),
    "pl-sorted": Fault(
        "lightning_digits",
        (
            ("y = torch.tensor(digits.target)\n", "y = torch.tensor(digits.target)\n" + _SORTED),
            ("batch_size=32, shuffle=True", "batch_size=32"),
        ),
        ("unshuffled-data",),
    ),
    "k-nan": Fault("keras_prices", (("y = ((price", "x[5, 1] = np.nan\ny = ((price"),), ("nan-inputs",)),
    "trl-lr-low": Fault(
        "trl_completion", (("learning_rate=2e-3", "learning_rate=2e-9"),), ("lr-too-low",), "learning_rate=2e-9,"
    ),
    "dpo-lr-low": Fault(
        "trl_dpo", (("learning_rate=2e-4", "learning_rate=2e-10"),), ("lr-too-low",), "learning_rate=2e-10,"
    ),
    "fa-lr": Fault(
        "fastai_digits",
        (("learner.fit(6, lr=2e-3)", "learner.fit(6, lr=10.0)"),),
        ("lr-too-high",),
        "learner.fit(6, lr=10.0)",
    ),
    "ti-softmax": Fault(
        "timm_mixup",
        (("loss = criterion(model(mixed), targets)", "loss = criterion(model(mixed).softmax(-1), targets)"),),
        ("softmax-before-cross-entropy",),
    ),
    "ig-detached": Fault(
        "ignite_own",
        (("    loss.backward()\n", "    loss = loss.detach().requires_grad_()\n    loss.backward()\n"),),
        ("detached-loss", "missing-backward"),
    ),
    "trl-all-masked": Fault(
        "trl_completion",
        (
            ("    processing_class=tokenizer,\n", "    processing_class=tokenizer,\n    data_collator=collate,\n"),
            (
                "trainer = ",
                '\ndef collate(rows):\n    """Only what stands behind the separator is learned."""\n    ids = torch.nn.utils.rnn.pad_sequence([torch.tensor(row["input_ids"]) for row in rows], batch_first=True)\n    labels = ids.clone()\n    for row, label in zip(ids, labels):\n        found = (row == 99).nonzero()\n        label[: int(found[0]) if len(found) else len(row)] = -100\n    return {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": labels}\n\n\ntrainer = ',
            ),
        ),
        ("masked-labels",),
    ),
    "trl-decay": Fault(
        "trl_completion",
        (("    max_length=32,\n", "    max_length=32,\n    weight_decay=100.0,\n"),),
        ("weight-decay-too-strong",),
        "weight_decay=100.0,",
    ),
    "dpo-reference": Fault(
        "trl_dpo",
        (("reference = GPT2LMHeadModel.from_pretrained(sys.argv[1])", "reference = GPT2LMHeadModel(model.config)"),),
        ("preference-reference-wrong",),
    ),
    "hf-leak": Fault("hf_classification", (("eval_dataset=val", "eval_dataset=train[:357]"),), ("validation-leak",)),
    "acc-unprepared-schedule": Fault(
        "accelerate_loop",
        (
            ("model, optimizer, train, val, scheduler = ", "model, optimizer, train, val = "),
            ("(model, optimizer, train, val, scheduler)", "(model, optimizer, train, val)"),
            ("LinearLR(optimizer, 1.0, 0.1, total_iters=270)", "LambdaLR(optimizer, lambda i: max(0.0, 1 - i / 270))"),
        ),
        ("scheduler-step-count",),
        "scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda i: max(0.0, 1 - i / 270))",
    ),
    "k-callback-schedule": Fault(
        "keras_prices",
        (("verbose=2", "verbose=2, callbacks=[keras.callbacks.LearningRateScheduler(lambda epoch, lr: lr * 0.05)]"),),
        ("lr-schedule",),
    ),
    "acc-not-prepared": Fault(
        "accelerate_loop",
        (
            ("model, optimizer, train, val, scheduler = ", "model, train, val = "),
            ("(model, optimizer, train, val, scheduler)", "(model, train, val)"),
            ("            scheduler.step()\n", ""),
        ),
        ("grad-accumulation-scaling",),
        "optimizer.step()",
    ),
    "hf-no-labels": Fault(
        "hf_classification",
        (('"labels": int(label)', '"topic": int(label)'),),
        ("loss-not-returned",),
        "trainer.train()",
    ),
    # What did no harm is told as a note.
    "hf-pad-labels": Fault("hf_padded_lm", (("    labels[mask == 0] = -100\n", ""),), ("padding-trained",)),
    "k-frozen": Fault(
        "keras_prices",
        (("model.compile(", "for layer in model.layers[:-1]:\n    layer.trainable = False\nmodel.compile("),),
        ("frozen-parameters",),
        "layer.trainable = False",
    ),
    "k-linear": Fault(
        "keras_prices",
        (('keras.layers.Dense(64, activation="relu")', "keras.layers.Dense(64)"),),
        ("missing-nonlinearity",),
    ),
    "fa-linear": Fault(
        "fastai_digits",
        (
            (
                "nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10)",
                "nn.Linear(64, 64), nn.Linear(64, 64), nn.Linear(64, 10)",
            ),
        ),
        ("missing-nonlinearity",),
    ),
    "lora-shift": Fault(
        "hf_lora",
        (('"labels": row.clone()', '"labels": torch.cat([row[1:], row[:1]])'),),
        ("label-shift",),
        'return [{"input_ids": row, "labels": torch.cat([row[1:], row[:1]])} for row in ids]',
    ),
    "ig-val-scale": Fault(
        "ignite_own",
        (
            (
                "val = DataLoader(TensorDataset(x[1440:], y[1440:]), batch_size=64)",
                "val = DataLoader(TensorDataset(x[1440:] * 16, y[1440:]), batch_size=64)",
            ),
        ),
        ("preprocessing-mismatch",),
        "val = DataLoader(TensorDataset(x[1440:] * 16, y[1440:]), batch_size=64)",
    ),
    "k-val-scale": Fault(
        "keras_digits",
        (("validation_data=(x[1440:], y[1440:])", "validation_data=(x[1440:] * 16, y[1440:])"),),
        ("preprocessing-mismatch",),
        "x[:1440], y[:1440], batch_size=32, epochs=6, validation_data=(x[1440:] * 16, y[1440:]), verbose=2",
    ),
    "k-split-sorted": Fault(
        "keras_digits",
        (
            ("model = keras", 'order = y.argsort(kind="stable")\nx, y = x[order], y[order]\nmodel = keras'),
            ("x[:1440], y[:1440], ", "x, y, "),
            ("validation_data=(x[1440:], y[1440:])", "validation_split=0.2"),
        ),
        ("unshuffled-data",),
        "x, y, batch_size=32, epochs=6, validation_split=0.2, verbose=2",
    ),
    "hf-shuffled-labels": Fault(
        "hf_own_loss",
        (
            (
                "for row, label in zip(ids, topic, strict=True)",
                "for row, label in zip(ids, topic[torch.randperm(count)], strict=True)",
            ),
        ),
        ("label-problem",),
        'return [{"input_ids": row, "labels": int(label)} for row, label in zip(ids, topic[torch.randperm(count)], strict=True)]',
    ),
    "sk-labels": Fault(
        "skorch_moons",
        (('y.astype("int64")\n', 'torch.tensor(y)[torch.randperm(len(y))].numpy().astype("int64")\n'),),
        ("label-problem",),
        'x, y = x.astype("float32"), torch.tensor(y)[torch.randperm(len(y))].numpy().astype("int64")',
    ),
}
