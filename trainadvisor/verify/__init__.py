"""Tests remedies by short paired re-runs of the user's script, judged by its own metric."""
