"""Spam or not, by Keras on torch: a binary classification."""

import os

os.environ["KERAS_BACKEND"] = "torch"

import keras
from sklearn.datasets import make_classification

keras.utils.set_random_seed(0)
x, y = make_classification(1600, 20, n_informative=8, class_sep=1.2, random_state=0)
x, y = x.astype("float32"), y.astype("float32")[:, None]
inputs = keras.Input((20,))
hidden = keras.layers.Dense(32, activation="relu")(inputs)
hidden = keras.layers.Dropout(0.1)(hidden)
hidden = keras.layers.Dense(32, activation="relu")(hidden)
outputs = keras.layers.Dense(1, activation="sigmoid")(hidden)
model = keras.Model(inputs, outputs)
model.compile(
    optimizer=keras.optimizers.Adam(learning_rate=2e-3),
    loss=keras.losses.BinaryCrossentropy(),
    metrics=["accuracy"],
)
model.fit(x[:1280], y[:1280], batch_size=32, epochs=10, validation_data=(x[1280:], y[1280:]), verbose=2)
