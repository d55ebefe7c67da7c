"""The contract between recording and judging: records, and how they are written and read."""
