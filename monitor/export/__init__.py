"""Rows to files, for people who work elsewhere: CSV for spreadsheets, JSON lines for programs, Parquet for analysts.

`writer_for(path)` chooses by the suffix. The columns are `monitor.domain.row.COLUMNS` in every format, and every
number arrives with each of its digits: big integers and decimals are decimal text.
"""

from monitor.export.writer import Writer, writer_for

__all__ = ["Writer", "writer_for"]
