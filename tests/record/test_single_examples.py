"""Examples that are given one by one, without a dimension for the batch."""

import torch
import torch.nn.functional as F
from recordkit import record
from torch import nn


def test_a_number_compared_with_a_number_is_a_batch_of_one() -> None:
    """Targets, accuracy and evaluations are seen as with a batch of one example."""

    def train(*, batched: bool) -> tuple[list[object], dict[str, object]]:
        def script() -> None:
            torch.manual_seed(0)
            model, rows = nn.Linear(3, 1), torch.randn(12, 3)
            optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
            for row in rows:
                target = (row[0] > 0).float()
                out = model(row[None])[:, 0] if batched else model(row)[0]
                optimizer.zero_grad()
                F.binary_cross_entropy_with_logits(out, target[None] if batched else target).backward()
                optimizer.step()

        records = record(script)
        loss = records.events("loss")[-1]
        return records.column("accuracy"), loss["target"] | {"prediction": loss["prediction"]}

    assert train(batched=False) == train(batched=True)


def test_the_scores_of_one_example_compete() -> None:
    """A cross-entropy of C scores with one label counts the label of a batch of one."""

    def script() -> None:
        torch.manual_seed(0)
        model = nn.Linear(3, 4)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for label in (0, 1, 1, 3):
            optimizer.zero_grad()
            F.cross_entropy(model(torch.randn(3)), torch.tensor(label)).backward()
            optimizer.step()

    loss = record(script).events("loss")[-1]
    assert (loss["target"]["histogram"], loss["prediction"]["shape"]) == ([1.0, 2.0, 0.0, 1.0], [1, 4])
