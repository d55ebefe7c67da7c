"""Turns a running training into a log: everything here may import torch, nothing here judges."""
