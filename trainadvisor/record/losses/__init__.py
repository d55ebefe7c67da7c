"""Losses: their calls, arguments and graphs, as the probes see them."""
