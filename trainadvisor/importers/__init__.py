"""Logs of other tools, as records of ours."""
