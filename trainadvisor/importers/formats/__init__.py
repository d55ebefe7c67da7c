"""One module a format: NAME, matches(head, path) and read(path), which returns a table."""
