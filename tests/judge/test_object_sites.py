"""The lines of the script that a log names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builders import event, log_of, make_loss, make_optimizer, site

from trainadvisor.judge import object_sites

if TYPE_CHECKING:
    from pathlib import Path


def test_every_line_that_was_recorded_is_named(tmp_path: Path) -> None:
    """Of what was made and of the calls of layers; what was made at no known line is left out."""
    rows = [{"name": "a", "kind": "Linear", "layer": "a"}]
    calls = [{"name": "a", "site": site("x = a(x)", 7)}, {"name": "b", "site": None}]
    table = event("table", {"id": 0, "model": 0, "rows": rows, "calls": calls})
    made = make_optimizer(parameters=[0]) | {"site": site("opt = SGD(p)", 5)}
    loss = make_loss("mse_loss") | {"site": None}
    log = log_of(tmp_path, steps=4, optimizers=[made], losses=[loss], events=[table])
    assert [(found.line, found.source) for found in object_sites.recorded_sites(log)] == [
        (5, "opt = SGD(p)"), (7, "x = a(x)")
    ]  # fmt: skip


def test_of_several_optimizers_the_one_with_most_parameters_is_meant(tmp_path: Path) -> None:
    """Of those that stepped in the main stage."""
    optimizers = [make_optimizer(id=number, parameters=range(count)) for number, count in enumerate((1, 3, 9))]
    log = log_of(tmp_path, steps=[{"opt": [0, 1]}] * 60, optimizers=optimizers)
    main = object_sites.main_optimizer(log)
    assert main is not None
    assert main["id"] == 1
    assert object_sites.main_optimizer(log_of(tmp_path, steps=4)) is None


def test_a_loss_of_training_comes_before_one_of_evaluation(tmp_path: Path) -> None:
    """Where there is one."""
    held_out, trained = make_loss("mse_loss") | {"id": 0, "phase": "eval"}, make_loss("l1_loss") | {"id": 1}
    for losses, first in (([held_out, trained], 1), ([held_out], 0)):
        loss = object_sites.main_loss(log_of(tmp_path, steps=4, losses=losses))
        assert loss is not None
        assert loss["id"] == first
    assert object_sites.main_loss(log_of(tmp_path, steps=4)) is None


def test_held_out_data_are_those_of_the_loader_of_the_evaluation(tmp_path: Path) -> None:
    """Without one, those of the training."""
    train, held_out = ({"id": n, "role": role, "site": site(role, n)} for n, role in enumerate(("train", "eval"), 3))
    for loaders, line in (([train, held_out], 4), ([train], 3)):
        found = object_sites.main_object(log_of(tmp_path, steps=4, loaders=loaders), "held-out")
        assert found is not None
        assert found["site"]["line"] == line


def test_the_loss_of_the_evaluations_is_the_first_one_called_there(tmp_path: Path) -> None:
    """None where no evaluation calls one."""
    trained, held_out = make_loss("l1_loss") | {"id": 0}, make_loss("l1_loss") | {"id": 1, "phase": "eval"}
    for losses, found in (([trained, held_out], 1), ([trained], None)):
        loss = object_sites.main_object(log_of(tmp_path, steps=4, losses=losses), "evaluated-loss")
        assert (loss or {}).get("id") == found
