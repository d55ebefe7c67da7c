"""Answers questions from the rules and the written answers."""
