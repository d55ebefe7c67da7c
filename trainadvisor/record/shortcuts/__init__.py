"""Shortcuts: what all handlers of a plain event do, in one function each; the state that they leave is the same."""
