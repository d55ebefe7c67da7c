"""Characters that are invisible or control the terminal, as classes for regular expressions."""

# C0 without the newline, DEL and C1: they control a terminal.
CONTROLS = "\x00-\x09\x0b-\x1f\x7f-\x9f"
# Line separators, and marks that change the writing direction.
TURNING = "\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
# Zero-width characters: marks and fillers, variation selectors, tags.
HIDDEN = (
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u2060-\u2065\u206a-\u206f\u3164\ufe00-\ufe0f\ufeff"
    "\uffa0\ufff0-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
