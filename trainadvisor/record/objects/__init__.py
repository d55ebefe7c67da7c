"""The objects of a training: models, optimizers, losses and loaders, numbered and described."""
