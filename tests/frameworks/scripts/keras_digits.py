"""A small network on digits, by Keras on torch."""

import json
import os

os.environ["KERAS_BACKEND"] = "torch"

import keras
from sklearn.datasets import load_digits

keras.utils.set_random_seed(0)
digits = load_digits()
x, y = digits.data.astype("float32") / 16, digits.target
model = keras.Sequential([
    keras.Input((64,)), keras.layers.Dense(64, activation="relu"), keras.layers.Dense(10, name="head"),
])  # fmt: skip
model.compile(
    optimizer=keras.optimizers.Adam(2e-3),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
history = model.fit(
    x[:1440], y[:1440], batch_size=32, epochs=6, validation_data=(x[1440:], y[1440:]), verbose=2
).history
print("FIGURES", json.dumps({
    "steps": int(model.optimizer.iterations),
    "epoch_losses": history["loss"],
    "eval_losses": history["val_loss"],
    "eval_accuracies": history["val_accuracy"],
    "rates": [float(model.optimizer.learning_rate)],
    "epochs": 6,
    "batch_size": 32,
    "parameters": model.count_params(),
}))  # fmt: skip
