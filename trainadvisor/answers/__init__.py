"""Answers to questions, from the rules and the written answers."""
