"""Every training here starts from one seed and runs in one thread."""

from seeding import seeded

__all__ = ["seeded"]
