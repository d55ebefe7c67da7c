"""Evaluations in the making: where their batches come from, what they add up, and how they are told apart."""
