"""Runs of a script in a process and a scratch copy of their own, shared by verify and preflight."""
