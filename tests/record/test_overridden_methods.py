"""A model whose class overrides the methods that list its parts: nobody asks them but the script."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import forkedpython
import pytest
import torch
from recordkit import record
from torch import nn

from trainadvisor.instrument import module_tables
from trainadvisor.instrument.user_attributes import attribute, entries, fields
from trainadvisor.record.objects.describe import kind_of, plain, tensors_in

if TYPE_CHECKING:
    from pathlib import Path

LOUD = """
import hashlib, sys, torch
from torch import nn
torch.set_num_threads(1); torch.manual_seed(0)
asked = []
class Loud(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.1), nn.Linear(16, 3))
    def forward(self, x): return self.layers(x)
    def extra_repr(self): print("extra_repr"); return "loud"
def loud(name):
    def method(self, *args, **kwargs):
        asked.append(name); print(name)
        {end}
    return method
names = ["parameters", "named_parameters", "modules", "named_modules", "children", "named_children", "buffers",
         "named_buffers", "state_dict"]
model = Loud()
given = {{k: v.clone() for k, v in model.state_dict().items()}}
parameters = list(model.parameters())
for name in names: setattr(Loud, name, loud(name))
model.load_state_dict(given)
optimizer = torch.optim.Adam(parameters, lr=1e-2)
{watch}
for step in range(40):
    x = torch.randn(16, 8)
    nn.Module.train(model.layers, True)
    loss = nn.functional.cross_entropy(model(x), x[:, :3].argmax(1))
    for p in parameters: p.grad = None
    loss.backward(); optimizer.step()
    if step % 10 == 9:
        nn.Module.train(model.layers, False)
        with torch.no_grad(): print(nn.functional.cross_entropy(model(x), x[:, :3].argmax(1)).item())
        nn.Module.train(model.layers, True)
print(asked, hashlib.sha256(b"".join(p.detach().numpy().tobytes() for p in parameters)).hexdigest(), torch.rand(1))
try: model(torch.randn(2, 9))
except RuntimeError as error: print(error)
sys.exit(model(torch.randn(2, 9)) is None)
"""
ENDS = {
    "counts and prints": "return getattr(nn.Module, name)(self, *args, **kwargs)",
    "raises": "raise RuntimeError('not to be asked')",
    "makes tensors": "return iter([('w', nn.Parameter(torch.randn(3)))]) if name != 'state_dict' else {{}}",
}


def _run(tmp_path: Path, end: str, *before: str, watch: str = "") -> tuple[int, str]:
    script = tmp_path / "train.py"
    script.write_text(LOUD.format(end=end.replace("{{", "{").replace("}}", "}"), watch=watch))
    done = forkedpython.run([*before, str(script)], tmp_path)
    return done.returncode, done.stdout


@pytest.mark.parametrize("kind", ENDS)
def test_what_lists_the_parts_of_a_model_is_not_asked(tmp_path: Path, kind: str) -> None:
    """The same output, weights and exit code as without us, in `run` and in `watch`, up to the error at the end."""
    plain = _run(tmp_path, ENDS[kind])
    assert plain[0] == 1
    assert plain[1].count("\n") > 5
    assert _run(tmp_path, ENDS[kind], "-m", "trainadvisor", "run") == plain
    watch = "import trainadvisor; trainadvisor.watch(model, optimizer)"
    assert _run(tmp_path, ENDS[kind], watch=watch) == plain


class Shared(nn.Module):
    """A layer and a buffer that stand twice, an empty place, a buffer that is not saved."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(2, 2)
        self.again = self.first
        self.nothing = None
        self.register_module("none", None)
        self.register_parameter("absent", None)
        self.inner = nn.Sequential(nn.BatchNorm1d(2), nn.Linear(2, 2, bias=False))
        self.inner[1].weight = self.first.weight
        self.register_buffer("kept", torch.ones(2))
        self.register_buffer("passing", torch.ones(1), persistent=False)
        self.register_buffer("without", None)
        self.inner.register_buffer("same", self.kept)


def test_names_and_order_are_those_of_torch() -> None:
    """Of everything that stands twice the first name; of a state dict all."""
    for model in (Shared(), nn.LSTM(2, 3), torch.nn.utils.parametrizations.weight_norm(nn.Linear(2, 3)), nn.ReLU()):
        assert list(module_tables.named_modules(model)) == list(model.named_modules())
        assert list(module_tables.modules(model)) == list(model.modules())
        ours, torchs = module_tables.named_parameters(model), model.named_parameters()
        assert [(name, id(p)) for name, p in ours] == [(name, id(p)) for name, p in torchs]
        assert [id(p) for p in module_tables.parameters(model)] == [id(p) for p in model.parameters()]
        ours, torchs = module_tables.named_buffers(model), model.named_buffers()
        assert [(name, id(b)) for name, b in ours] == [(name, id(b)) for name, b in torchs]
        saved, state = module_tables.saved_tensors(model), model.state_dict(keep_vars=True)
        assert {name: id(t) for name, t in saved.items()} == {name: id(t) for name, t in state.items()}


def test_a_deep_module_takes_no_deep_stack() -> None:
    """1,500 modules inside of each other, where torch's own methods raise a RecursionError."""
    model: nn.Module = nn.Linear(1, 1)
    for _ in range(1500):
        model = nn.Sequential(model)
    assert sum(1 for _ in module_tables.modules(model)) == 1501
    assert [tuple(p.shape) for p in module_tables.parameters(model)] == [(1, 1), (1,)]


def test_modules_of_a_script_inside_of_a_model_are_listed() -> None:
    """Their tables are of other kinds."""
    model = nn.Sequential(torch.jit.script(nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))), nn.Linear(2, 2))
    assert [name for name, _ in module_tables.named_modules(model)] == ["", "0", "0.0", "0.1", "1"]
    assert [name for name, _ in module_tables.named_parameters(model)] == [n for n, _ in model.named_parameters()]
    assert list(module_tables.saved_tensors(model)) == list(model.state_dict())


class Asked:
    """Notes what it is asked for."""

    def __init__(self) -> None:
        self.there, self.asked = 1, []

    def __getattr__(self, name: str) -> Any:
        self.asked.append(name)
        raise AttributeError(name)


def test_attributes_are_asked_past_the_methods_of_the_script() -> None:
    """What an object has, it tells; what it would make up, it does not."""
    thing = Asked()
    assert (attribute(thing, "there"), attribute(thing, "absent"), attribute(thing, "absent", otherwise=())) == (
        1, None, (),
    )  # fmt: skip
    assert (fields(thing), fields({}), fields(None), thing.asked) == ((), (), (), [])


class Noting(list):
    """Notes how its entries are read."""

    def __init__(self, *given: Any) -> None:
        super().__init__(given)
        self.noted: list[str] = []

    def __getitem__(self, place: Any) -> Any:
        self.noted.append("item")
        return super().__getitem__(place)

    def __iter__(self) -> Any:
        self.noted.append("iter")
        return super().__iter__()

    def __len__(self) -> int:
        self.noted.append("len")
        return super().__len__()


def test_entries_are_read_past_the_methods_of_the_script() -> None:
    """Of tuples as well; at most so many."""
    noting = Noting(1, 2, 3)
    assert (entries(noting, 2), entries((1, 2, 3), 2), entries(torch.Size([4]), 2)) == ([1, 2], [1, 2], [4])
    tensor = torch.ones(1)
    assert list(tensors_in(Noting(tensor, Noting(tensor)))) == [tensor, tensor]
    assert plain(noting) == [1, 2, 3]
    assert noting.noted == []


def test_a_module_is_not_asked_for_its_parametrizations() -> None:
    """Its class is known all the same."""
    asked: list[str] = []

    class Layer(nn.Linear):
        def __getattr__(self, name: str) -> Any:
            asked.append(name)
            return super().__getattr__(name)

    layer = Layer(2, 2)
    asked.clear()
    assert (kind_of(layer), asked) == ("Layer", [])
    assert kind_of(torch.nn.utils.parametrizations.weight_norm(nn.Linear(2, 2))) == "Linear"


def test_an_output_that_notes_what_it_is_asked_for_is_not_asked() -> None:
    """A batch, too."""
    given, outputs = Asked(), []

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 2)

        def forward(self, batch: Asked) -> Asked:
            output = Asked()
            output.loss = self.layer(batch.x).square().mean()
            outputs.append(output)
            return output

    def train() -> None:
        model = Model()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        given.x = torch.randn(8, 4)
        for _ in range(12):
            optimizer.zero_grad()
            model(given).loss.backward()
            optimizer.step()

    assert len(record(train).of("step")) == 12
    assert (given.asked, [output.asked for output in outputs]) == ([], [[]] * 12)
