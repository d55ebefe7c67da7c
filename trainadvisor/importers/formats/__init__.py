"""One module a format: NAME, RANK, matches(head, path) and read(path), which returns a table.

They are found by themselves. Those of a lower RANK are asked first: what is certain by its first bytes before what any
text could be. A module whose logs can be folders has matches_folder(folder) as well.
"""
