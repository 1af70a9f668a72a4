"""Tables that programs have written."""

import csv


def read_table(path) -> list[dict]:
    """Return the rows of a CSV file by the names of its columns."""
    with path.open(newline='') as file:
        return list(csv.DictReader(file))
