"""What trainings print: one line a step with names and numbers, whichever program wrote it.

What reads them is loaded when a file comes so far: its patterns take longer to make than a table takes to be known.
"""

from pathlib import Path

from trainadvisor.importers.table import Table

NAME = "printed lines"
RANK = 5


def matches(head: bytes, path: Path) -> bool:
    """Return whether one of the first lines names a loss or a norm with its number, or some of them one metric."""
    del path
    from trainadvisor.importers.decode import printed_rows

    return printed_rows.tells(head)


def read(path: Path) -> Table:
    """Return a row for each line that tells of a step or an epoch."""
    from trainadvisor.importers.decode import printed_rows

    table = Table(NAME, (), hides_nan=True)
    table.rows = printed_rows.rows(path, table)
    return table
