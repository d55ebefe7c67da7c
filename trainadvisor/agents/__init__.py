"""Coding agents as users: the commands as tools of the model context protocol."""
