"""Runs a script in its own process and scratch copy; shared by verify and preflight."""
