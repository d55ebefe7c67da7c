"""Readers of the binary files of other tools: what they hold, in their own words; nothing is judged here."""
