"""Patterns in a source whose fault is certain without running it, each named by the code of its rule."""
