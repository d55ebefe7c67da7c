"""Trainings that start from one seed and run in one thread."""

import pytest
import torch


@pytest.fixture(autouse=True)
def seeded():
    """Give each test the same random numbers and one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(threads)
