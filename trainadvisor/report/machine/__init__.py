"""Reports that other programs read."""
