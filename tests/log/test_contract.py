"""The contract of a log: what is derived from it, and that real logs keep it."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from builders import log_of

from trainadvisor.log import contract, contract_documents

ROOT = Path(__file__).parents[2]


def test_the_schema_is_that_of_the_contract() -> None:
    """Nobody edits the generated file: `python -m trainadvisor.log.contract_documents` writes it."""
    assert json.loads((ROOT / contract_documents.SCHEMA).read_text()) == contract_documents.schema()


def test_the_page_is_that_of_the_contract() -> None:
    """Nor the page."""
    assert (ROOT / contract_documents.PAGE).read_text(encoding="utf-8") == contract_documents.page()


def test_every_field_has_a_meaning() -> None:
    """But the word that says what record it is."""
    silent = [
        (kind, name)
        for kind, record in contract.RECORDS.items()
        for name, (_, meaning, _) in contract.fields(record).items()
        if not meaning and name != "record"
    ]
    assert silent == []


def test_a_recorded_log_keeps_the_contract(tmp_path: Path) -> None:
    """The recorder writes what the schema allows, and no step field that it does not name."""
    import torch

    import trainadvisor

    model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    advisor = trainadvisor.watch(model, optimizer, log=tmp_path / "log.json")
    for step in range(30):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(torch.randn(8, 4)), torch.randint(2, (8,)))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 10 == 9:
            model.eval()
            with torch.no_grad():
                torch.nn.functional.cross_entropy(model(torch.randn(8, 4)), torch.randint(2, (8,)))
            model.train()
    advisor.close()
    records = json.loads((tmp_path / "log.json").read_text())
    jsonschema.validate(records, contract_documents.schema())
    for record in records:
        assert set(record) <= set(contract.fields(contract.RECORDS[record["record"]]))


def test_a_record_of_a_wrong_type_breaks_the_schema() -> None:
    """The schema is not one that everything keeps."""
    records: list[dict[str, Any]] = [{"record": "header", "format": 1}, {"record": "step", "step": 0, "loss": "low"}]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(records, contract_documents.schema())


def test_a_number_that_the_contract_does_not_name_becomes_a_column(tmp_path: Path) -> None:
    """A new probe's field reaches a new signal without a third file, whenever it is first recorded."""
    log = log_of(tmp_path, columns={"loss": [1.0, 0.9, 0.8], "entropy": [None, 0.5, "inf"]})
    np.testing.assert_array_equal(log.column("entropy"), [np.nan, 0.5, np.inf])
    assert log.notes == []


def test_a_column_that_begins_late_is_aligned(tmp_path: Path) -> None:
    """Batches that were read before it began hold nothing."""
    count = 10_000
    log = log_of(tmp_path, columns={"loss": [1.0] * count, "entropy": [None] * (count - 1) + [0.5]})
    assert log.column("entropy").size == count
    assert log.column("entropy")[-1] == 0.5
    assert np.isnan(log.column("entropy")[:-1]).all()


def test_a_field_that_holds_no_numbers_is_told(tmp_path: Path) -> None:
    """What is left out is reported, never silently dropped."""
    log = log_of(tmp_path, columns={"loss": [1.0, 0.9], "mood": ["good", "bad"]})
    assert log.notes == ["fields of steps that are not known and hold no numbers were left out: mood"]
