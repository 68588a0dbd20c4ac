"""Columns through Arrow's C interface: the same cells in every reader, and nothing kept once they are read."""

import gc

import duckdb
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.export import arrow
from monitor.export.arrow import FLAG, INTEGER, TEXT, Stream, column

FORMATS = {"number": INTEGER, "flag": FLAG, "word": TEXT}
rows = st.lists(
    st.tuples(
        st.none() | st.integers(-(2**63), 2**63 - 1),
        st.none() | st.booleans(),
        st.none() | st.sampled_from(("", "one", "zwölf")) | st.text(),
    ),
    min_size=1,
    max_size=40,
)


def stream(batches: list[list[tuple[int | None, bool | None, str | None]]]) -> Stream:
    return Stream(
        FORMATS,
        iter(
            [
                (
                    len(batch),
                    [
                        column(form, cells)
                        for form, cells in zip(FORMATS.values(), zip(*batch, strict=True), strict=True)
                    ],
                )
                for batch in batches
            ]
        ),
    )


def by_duckdb(some: Stream) -> list[tuple[object, ...]]:
    with duckdb.connect() as database:
        return database.from_arrow(some).fetchall()


def by_polars(some: Stream) -> list[tuple[object, ...]]:
    return pl.DataFrame(some).rows()


def by_pyarrow(some: Stream) -> list[tuple[object, ...]]:
    table = pa.table(some)
    table.validate(full=True)
    return [tuple(one.values()) for one in table.to_pylist()]


@pytest.mark.parametrize("read", [by_duckdb, by_polars, by_pyarrow])
@given(batches=st.lists(rows, max_size=4))
def test_every_reader_finds_the_cells_in_their_order(read, batches):
    assert read(stream(batches)) == [one for batch in batches for one in batch]


@pytest.mark.parametrize("read", [by_duckdb, by_polars, by_pyarrow])
def test_nothing_is_kept_when_the_reader_is_done(read):
    gc.collect()
    before = len(arrow._held)
    read(stream([[(1, True, "a"), (None, None, None)]] * 5))
    gc.collect()
    assert len(arrow._held) == before


def test_cells_outlive_the_stream_until_the_reader_lets_go():
    table = pa.table(stream([[(n, n % 2 == 0, f"{n}" * 9) for n in range(2_000)]]))
    gc.collect()
    assert table["word"].to_pylist() == [f"{n}" * 9 for n in range(2_000)]


def test_a_reader_that_stops_early_leaves_no_batch_behind():
    gc.collect()
    before = len(arrow._held)
    reader = pa.RecordBatchReader.from_stream(stream([[(1, True, "a")]] * 5))
    reader.read_next_batch()
    del reader
    gc.collect()
    assert len(arrow._held) == before


def test_text_that_is_no_unicode_comes_as_its_escape():
    assert by_duckdb(stream([[(1, True, "caf\u00e9 \ud800"), (1, True, "x")]])) == [
        (1, True, "caf\u00e9 \\ud800"),
        (1, True, "x"),
    ]
