"""Facts of objects: plain values, tensors in nests, evenly spaced numbers, roles, wrappers and modes."""

from __future__ import annotations

import weakref
from collections import OrderedDict
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.data import BatchSampler, DataLoader, RandomSampler, SequentialSampler, TensorDataset

from trainadvisor.record.objects import describe
from trainadvisor.record.objects.ids import ObjectIds
from trainadvisor.record.objects.watched_model import Model, bare, is_compiled

DATA = TensorDataset(torch.zeros(10, 2))


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (True, True), (3, 3), (0.5, 0.5), ("sgd", "sgd"), (None, None), (object(), None), (torch.tensor(2.0), 2.0),
        (torch.tensor([3]), 3), (torch.ones(2), None), (torch.ones(1, device="meta"), None), ((0.9, 0.99), [0.9, 0.99]),
        ([1, "a", None], [1, "a", None]), (list(range(100)), list(range(describe._LONG))),
    ],
)  # fmt: skip
def test_settings_are_told_as_plain_values(value: object, told: object) -> None:
    """Long lists by their beginning."""
    assert describe.plain(value) == told


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        ([1, 0.5, True], True), ([], True), (["a"], False), ([1] * describe._LONG, True),
        ([1] * (describe._LONG + 1), False), ("a", True), (object(), False),
    ],
)  # fmt: skip
def test_a_scheduler_tells_numbers_words_and_short_lists(value: object, *, plain: bool) -> None:
    """Nothing else."""
    assert describe._is_plain(value) is plain


@dataclass
class _Batch:
    x: Any
    y: Any


A, B, C = torch.zeros(1), torch.ones(1), torch.ones(2)


@pytest.mark.parametrize(
    ("value", "depth", "found"),
    [
        (A, 0, [A]), ([A], 0, []), ([A, (B, {"c": C})], 3, [A, B, C]), ([A, (B, {"c": C})], 2, [A, B]),
        (OrderedDict(b=B, a=A), 1, [B, A]), (_Batch(A, [B]), 3, [A, B]),
        (_Batch(A, [B]), 2, [A]), (_Batch(A, [B]), 1, []), (_Batch(A, 3), 2, [A]),
        ("text", 3, []), ({1, 2}, 3, []), ([A] * 100, 1, [A] * describe._LONG),
    ],
)  # fmt: skip
def test_tensors_are_found_in_nests(value: object, depth: int, found: list[torch.Tensor]) -> None:
    """In their order, so deep and so many."""
    assert list(map(id, describe.tensors_in(value, depth))) == list(map(id, found))
    if depth == 3:
        assert list(map(id, describe.tensors_in(value))) == list(map(id, found))


@pytest.mark.parametrize(
    ("size", "most", "taken"),
    [
        (5, 5, [0, 1, 2, 3, 4]), (7, 4, [0, 2, 4, 6]), (8, 4, [0, 3, 6]), (9, 3, [0, 4, 8]), (6, 2, [0, 5]), (0, 3, []),
        (1, 1, [0]),
    ],
)  # fmt: skip
def test_numbers_are_taken_at_even_distances(size: int, most: int, taken: list[int]) -> None:
    """Of no divisor in common with the size, so that every place of a kernel is seen."""
    assert describe.sampled(torch.arange(size), most).tolist() == taken


def test_all_numbers_of_a_complex_tensor_or_a_view_are_seen() -> None:
    """Up to sixteen thousand."""
    assert describe.sampled(torch.tensor([1 + 2j, 3 - 4j])).tolist() == [1, 2, 3, -4]
    assert describe.sampled(torch.tensor([1 + 2j]).conj()).tolist() == [1, -2]
    assert describe.sampled(torch.arange(6).reshape(2, 3).t()).tolist() == [0, 3, 1, 4, 2, 5]
    assert [len(describe.sampled(torch.zeros(size))) for size in (16384, 16385)] == [16384, 16385 // 2 + 1]
    assert (describe.numbers_in(torch.zeros(3)), describe.numbers_in(torch.zeros(3, dtype=torch.complex64))) == (3, 6)


@pytest.mark.parametrize(
    ("name", "tensor", "layer", "role"),
    [
        ("weight", torch.ones(2, 2), nn.Embedding(2, 2), "embedding"), ("bias", torch.ones(2), nn.LayerNorm(2), "norm"),
        ("a.weight_g", torch.ones(2, 1), None, "other"), ("a.bias", torch.ones(2), None, "bias"),
        ("a.in_proj_bias", torch.ones(2), None, "bias"), ("bias.weight", torch.ones(2, 2), None, "weight"),
        ("scale", torch.ones(2), None, "other"),
        ("parametrizations.weight.original0", torch.ones(2, 1), None, "other"),
    ],
)  # fmt: skip
def test_a_parameter_has_a_role(name: str, tensor: torch.Tensor, layer: Any, role: str) -> None:
    """By its layer, then by its name, then by its shape."""
    assert describe._role(name, tensor, layer) == role


@pytest.mark.parametrize(
    ("shape", "layer", "fan_in"),
    [
        ((5, 3), nn.Linear(3, 5), 3), ((5, 3, 2, 4), nn.Conv2d(3, 5, (2, 4)), 24),
        ((3, 5, 2, 4), nn.ConvTranspose2d(3, 5, (2, 4)), 24), ((5, 3), None, 3),
    ],
)  # fmt: skip
def test_a_weight_adds_up_so_many_numbers(shape: tuple[int, ...], layer: Any, fan_in: int) -> None:
    """Those of a transposed convolution lie along its first axis."""
    assert describe._fan_in(torch.zeros(shape), layer) == fan_in


def test_a_parameter_is_measured_where_that_is_wanted() -> None:
    """By all that it holds; not one without values, or of whole numbers."""
    fact = describe.parameter_fact(4, "a.weight", torch.tensor([[3.0, -1.0]]), None, measured=True)
    assert fact == {
        "id": 4, "name": "a.weight", "shape": [1, 2], "count": 2, "trainable": False, "dtype": "float32", "layer": "a",
        "role": "weight", "fan_in": 2, "init_rms": pytest.approx(5**0.5), "init_std": 2.0,
    }  # fmt: skip
    assert "init_std" not in describe.parameter_fact(4, "a", torch.ones(2), None, measured=False)
    for tensor in (torch.ones(2, device="meta"), torch.ones(0), torch.ones(2, dtype=torch.long)):
        fact = describe.parameter_fact(4, "a", tensor, None, measured=True)
        assert ("init_std" in fact, "fan_in" in fact, "parts" in fact) == (False, False, False)


class _Mesh:
    def size(self, dimension: int) -> int:
        return (2, 3, 5)[dimension]


@pytest.mark.parametrize(
    ("split", "parts"), [([True, False, True], 10), ([False, False], 0), ([False, True], 3), ([], 0)]
)
def test_a_distributed_parameter_is_split_over_processes(split: list[bool], parts: int) -> None:
    """As many as the sides of the mesh along which it is."""
    placements = [SimpleNamespace(is_shard=lambda one=one: one) for one in split]
    assert describe._parts(SimpleNamespace(device_mesh=_Mesh(), placements=placements)) == parts  # type: ignore[arg-type]
    assert describe._parts(SimpleNamespace(device_mesh=None, placements=placements)) == 0  # type: ignore[arg-type]


def test_groups_are_told_by_the_numbers_of_their_parameters() -> None:
    """And how many are in no known model."""
    one, two, three = (nn.Parameter(torch.ones(1)) for _ in range(3))
    optimizer = torch.optim.SGD([{"params": [one, two], "lr": 0.5}, {"params": [three]}], lr=0.1)
    groups, unknown = describe.optimizer_groups(optimizer, {id(one): 7, id(three): 9})
    assert [(group["parameters"], group["lr"]) for group in groups] == [([7], 0.5), ([9], 0.1)]
    assert (unknown, "params" in groups[0]) == (1, False)


def test_a_wrapper_around_an_optimizer_is_seen_through() -> None:
    """Where both have the same groups."""
    inner = torch.optim.SGD([torch.zeros(1)], lr=0.1)
    wrapper = torch.optim.SGD([torch.zeros(1)], lr=0.1)
    wrapper.optimizer = inner  # type: ignore[attr-defined]
    assert describe.innermost(wrapper) is wrapper
    wrapper.param_groups = inner.param_groups
    outer = torch.optim.SGD([torch.zeros(1)], lr=0.1)
    outer.optimizer, outer.param_groups = wrapper, inner.param_groups  # type: ignore[attr-defined]
    assert describe.innermost(outer) is inner


@pytest.mark.parametrize(
    ("loader", "told"),
    [
        (DataLoader(DATA, 4), (4, 3, 10, False, "SequentialSampler", False)),
        (DataLoader(DATA, 4, shuffle=True, drop_last=True), (4, 2, 10, True, "RandomSampler", True)),
        (
            DataLoader(DATA, batch_sampler=BatchSampler(RandomSampler(DATA), 5, drop_last=False)),
            (5, 2, 10, True, "RandomSampler", False),
        ),
    ],
)
def test_a_loader_is_told_with_what_orders_it(loader: Any, told: tuple[Any, ...]) -> None:
    """The innermost sampler of its batch sampler."""
    fact = describe.loader_fact(loader)
    names = ("batch_size", "batches", "examples", "shuffle", "sampler", "drop_last")
    assert tuple(fact[name] for name in names) == told
    assert (fact["iterable"], fact["dataset"], fact["workers"]) == (False, "TensorDataset", 0)


def test_the_sampler_inside_of_wrapped_batch_samplers_is_found() -> None:
    """As Accelerate wraps them."""
    inner = BatchSampler(SequentialSampler(DATA), 4, drop_last=False)
    wrapped: Any = SimpleNamespace(batch_sampler=SimpleNamespace(batch_sampler=inner), sampler="nobody's")
    assert describe._sampler(wrapped) is inner.sampler
    wrapped.batch_sampler = object()
    assert describe._sampler(wrapped) == "nobody's"


def test_loaders_are_announced_once_and_again_when_their_role_is_known() -> None:
    """Under one number while they live."""
    told: list[Any] = []
    ids = ObjectIds(lambda kind, fact: told.append((kind, fact["id"], fact["role"])))
    first, second = DataLoader(DATA, 4), DataLoader(DATA, 4)
    for role in ("unknown", "unknown", "train", "eval", "unknown"):
        assert ids.add_loader(first, role) == 0
    assert ids.add_loader(second, "eval") == 1
    assert told == [("loader", 0, "unknown"), ("loader", 0, "train"), ("loader", 1, "eval")]
    assert (ids.loader_number(first), ids.loader_number(second)) == (0, 1)
    del second
    assert ids.loader_number(DataLoader(DATA, 4)) == 2


def test_the_place_of_an_object_is_kept_while_it_lives() -> None:
    """The last that was noted."""
    ids, thing = ObjectIds(lambda *_: None), nn.Identity()
    ids.note_place(thing, (__file__, 3))
    ids.note_place(thing, (__file__, 1))
    site = ids.site_of(thing)
    assert site is not None
    assert site["line"] == 1
    del thing
    assert ids._places == {}
    assert ids.site_of(object()) is None


def _model(*roots: nn.Module, **parts: Any) -> Model:
    references: Any = [SimpleNamespace(key=id(p)) for root in roots for p in root.parameters()]
    return Model(0, "m", alive=[weakref.ref(root) for root in roots], references=references, **parts)


def test_a_model_trains_where_its_first_or_any_root_does() -> None:
    """Or where none is left."""
    one, two = nn.Linear(1, 1).eval(), nn.Linear(1, 1).eval()
    model = _model(one, two)
    assert not model.is_training
    two.train()
    assert model.is_training
    one.train()
    two.eval()
    assert model.is_training
    assert Model(0, "m").is_training


def test_a_model_is_entered_by_its_root_or_the_part_that_holds_everything() -> None:
    """The second time."""
    net = nn.Linear(1, 1)
    root = nn.Sequential(nn.Sequential(net), nn.Dropout())
    model = _model(root)
    assert model.enters_by(root)
    assert [model.enters_by(root[0]) for _ in range(2)] == [False, True]
    assert model.entrance() is root[0]
    assert [model.enters_by(root[1]) for _ in range(2)] == [False, False]
    assert model.entrance() is root
    assert model.enters_by(root)
    caring = _model(root, cares=[weakref.ref(root[1])])
    assert [caring.enters_by(root[0]) for _ in range(2)] == [False, False]
    two = _model(root, nn.Linear(1, 1))
    assert [two.enters_by(root[0]) for _ in range(2)] == [False, False]


@pytest.mark.parametrize(
    ("layer", "first"),
    [
        (nn.LSTM(1, 1), True), (nn.LSTM(1, 1, batch_first=True), False), (nn.MultiheadAttention(1, 1), True),
        (nn.MultiheadAttention(1, 1, batch_first=True), False), (nn.Linear(1, 1), False),
    ],
)  # fmt: skip
def test_time_comes_first_where_a_layer_says_so(layer: nn.Module, *, first: bool) -> None:
    """A recurrent one, or attention."""
    root = nn.Sequential(layer)
    assert _model(root).time_major is first


def test_a_model_is_fake_while_all_its_parameters_are() -> None:
    """And was when it was found."""
    root = nn.Linear(1, 1, device="meta")
    meta = torch.device("meta")
    assert _model(root, device=meta).is_meta
    assert not _model(root).is_meta
    root.bias = nn.Parameter(torch.zeros(1))
    assert not _model(root, device=meta).is_meta


def test_wrappers_are_seen_through() -> None:
    """Parallel and compiled ones, in any order."""
    net = nn.Linear(1, 1)
    assert (bare(net), bare(nn.DataParallel(net)), is_compiled(net), is_compiled(nn.DataParallel(net))) == (
        net, net, False, False,
    )  # fmt: skip
    compiled = torch.compile(net, backend="eager")
    assert (bare(compiled), is_compiled(compiled)) == (net, True)
    assert (bare(nn.DataParallel(compiled)), is_compiled(nn.DataParallel(compiled))) == (net, True)
