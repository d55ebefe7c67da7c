"""The decision of a gate, the baselines it compares with, and the metrics it requires."""
