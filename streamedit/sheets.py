"""Rows as CSV (RFC 4180), which a spreadsheet can open without running what callers have written into it. Pure."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence

_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""With which a cell begins that a spreadsheet would run (OWASP)."""


def csv_of(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> str:
    """A line of names, and one for each row. Lists and objects are JSON; what is not there is empty."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row.get(column)) for column in columns])
    return file.getvalue()


def _cell(value: object) -> object:
    """Numbers are no formulas, though they may begin as one."""
    if value is None or isinstance(value, int | float):
        return value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"'{text}" if text.startswith(_FORMULAS) else text
