"""Prices of houses, by Keras on torch."""

import os

os.environ["KERAS_BACKEND"] = "torch"

import keras
import numpy as np

keras.utils.set_random_seed(0)
rng = np.random.default_rng(0)
rooms, area, age = rng.integers(1, 8, 1500), rng.uniform(30, 250, 1500), rng.uniform(0, 90, 1500)
price = 20_000 * rooms + 2_500 * area * np.exp(-age / 120) + rng.normal(0, 15_000, 1500)
features = np.stack([rooms, area, age], 1).astype("float32")
x = (features - features.mean(0)) / features.std(0)
y = ((price - price.mean()) / price.std()).astype("float32")
model = keras.Sequential(
    [
        keras.Input((3,)),
        keras.layers.Dense(64, activation="relu"),
        keras.layers.Dense(64, activation="relu"),
        keras.layers.Dense(1),
    ]
)
model.compile(optimizer=keras.optimizers.Adam(learning_rate=1e-3), loss="mse", metrics=["mae"])
model.fit(x[:1200], y[:1200], batch_size=32, epochs=15, validation_data=(x[1200:], y[1200:]), verbose=2)
