"""How far a plain step has come, in the order of its events."""

START, FORWARDING, FORWARD, LOSING, LOSS, BACKWARD, READY, STEPPING, DONE = range(9)
# Of who takes no step now.
OFF = -1
