"""The clocks that our own code in the process of a script reads: Python's as they were before the script.

A script's tests may put others into the place of `time.time` and its like, and count or spend what these are asked.
"""

from time import monotonic, perf_counter, sleep, thread_time

__all__ = ["monotonic", "perf_counter", "sleep", "thread_time"]
