"""Fixtures of several test files."""

import gc
import importlib
import os
import signal
import threading

import hypothesis
import pytest

from trainadvisor.judge.compiled_rules import compile_rules
from trainadvisor.judge.rulebook import shipped_rules

# hundreds of tests start a command in a process of its own
compile_rules(shipped_rules())

# a test that fails by chance would be the fault of whoever runs it next; `make fuzz` draws new examples
hypothesis.settings.register_profile("test", derandomize=True, database=None)
hypothesis.settings.register_profile("fuzz", derandomize=False, max_examples=1000, print_blob=True)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "test"))

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN and threading.current_thread() is threading.main_thread():
    # a shell starts jobs in the background so, and their children with them: some tests interrupt a child
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """Leave out of each look for garbage what stays until the end: torch, the package, and all tests."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def torchvision():
    """Import torchvision; beside a CPU torch its CUDA build lacks two operator schemas, which are declared here."""
    torch = pytest.importorskip("torch")
    if importlib.util.find_spec("torchvision") is None:
        pytest.skip("torchvision is not installed")
    library = torch.library.Library("torchvision", "DEF")
    if not torch.version.cuda:
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    yield importlib.import_module("torchvision")
    del library
