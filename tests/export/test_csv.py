"""CSV: no cell a spreadsheet would run, and every number with each of its digits."""

import csv
import json
import unicodedata
from pathlib import Path

import duckdb
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.row import COLUMNS, row
from monitor.export import writer_for
from monitor.export.columns import NUMBERS, TEXTS
from monitor.export.csv import inert
from tests.export.rows import evaluation, measured, rows

ASCII_TRIGGERS = "=+-@"
TRIGGERS = ASCII_TRIGGERS + "＝＋－＠﹦﹢﹣﹫−"
HOSTILE = [
    '=HYPERLINK("http://evil.example","click")',
    "+1+1",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "\t=1+1",
    "\r=1+1",
    "\ttext",
    "\rtext",
    "\ntext",
    " =1+1",
    "\u00a0=1+1",
    "\u200b=1+1",
    "\ufeff=1+1",
    "\x00=1+1",
    '"=1+1',
    "'=1+1",
    "“=1+1",
    "＝1+1",
    "＋1",
    "－1",
    "＠x",
    " ＝1+1",
    "−1+2",
    "a;=1+1",
    "a\n=1+1",
    'a";=1+1;"',
    "%0A-3+3",
    "=cmd|' /C calc'!A0",
    "=IMPORTXML(CONCAT(1))",
    "';DROP TABLE positions;--",
]


def written(path: Path, some) -> list[list[str]]:
    with writer_for(path) as writer:
        writer.write(some)
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def is_formula(cell: str) -> bool:
    """What the strictest spreadsheet would run: blanks, invisible characters and quotes skipped, widths folded."""
    bare = "".join(c for c in cell if c not in '"`´‘’“”＂＇' and not c.isspace() and unicodedata.category(c)[0] != "C")
    return cell[:1] in {"\t", "\r", "\n"} or unicodedata.normalize("NFKC", bare)[:1] in {*ASCII_TRIGGERS, "−"}


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_hostile_text_is_no_formula_in_any_column(tmp_path: Path, hostile):
    [_, cells] = written(tmp_path / "f.csv", [{**r, **dict.fromkeys(TEXTS, hostile)} for r in rows(1)])
    for name in TEXTS:
        found = cells[COLUMNS.index(name)]
        assert not is_formula(found)
        assert found.replace("'", "") == hostile.replace("'", "")


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("hostile", HOSTILE)
def test_no_cell_is_a_formula_in_a_sheet_that_splits_elsewhere(tmp_path: Path, hostile, separator):
    texts = dict.fromkeys(TEXTS, hostile)
    legs = json.dumps([{"symbol": hostile}])
    written(tmp_path / "f.csv", [{**r, **texts, "legs": legs, "blockers": legs} for r in rows(1)])
    with (tmp_path / "f.csv").open(encoding="utf-8", newline="") as file:
        cells = [cell for line in csv.reader(file, delimiter=separator) for cell in line]
    assert [cell for cell in cells if is_formula(cell) and not cell.removeprefix("-").isdigit()] == []


@given(
    st.text(st.sampled_from(" \t\r\n'\"\u200b\u00a0\ufeff;"), max_size=4),
    st.sampled_from(TRIGGERS),
    st.text(max_size=20),
)
def test_nothing_before_a_trigger_hides_it(before, trigger, after):
    assert not is_formula(inert(before + trigger + after))


@given(st.text(st.characters(categories=["L", "N"]), max_size=30))
def test_harmless_text_is_left_as_it_is(text):
    assert inert(text) == text


def test_the_hostile_name_of_a_token_stays_the_same_json(tmp_path: Path):
    symbol = 'X";=HYPERLINK("a");"'
    wrote = row(evaluation(1, measured(1), symbol=symbol))
    [_, cells] = written(tmp_path / "f.csv", [wrote])
    for column in ("legs", "liquidation_prices"):
        assert json.loads(cells[COLUMNS.index(column)]) == json.loads(str(wrote[column]))
        assert ";" not in cells[COLUMNS.index(column)]


def test_numbers_are_never_prefixed_and_come_back_exactly(tmp_path: Path):
    wrote = list(rows(200))
    wrote[0] |= {"equity_usd": "-12.34", "health_factor": "-0.000000000000000001", "at_block": 2**63 - 1}
    header, *lines = written(tmp_path / "f.csv", wrote)
    assert header == list(COLUMNS)
    for cells, r in zip(lines, wrote, strict=True):
        for name in NUMBERS:
            assert cells[COLUMNS.index(name)] == ("" if r[name] is None else str(r[name]))


def test_a_number_column_with_something_else_in_it_is_text(tmp_path: Path):
    [_, cells] = written(tmp_path / "f.csv", [{**r, "equity_usd": "-1+cmd|' /C calc'!A0"} for r in rows(1)])
    assert cells[COLUMNS.index("equity_usd")].startswith("'-1")


def test_flags_and_unknown_cells_have_one_form(tmp_path: Path):
    [_, known, *_, unknown] = written(tmp_path / "f.csv", rows(5))
    flag, reason = COLUMNS.index("is_insolvent"), COLUMNS.index("reason")
    assert (known[flag], known[reason]) == ("false", "")
    assert (unknown[flag], unknown[reason]) == ("", "USDC: the feed reverts")


def test_other_readers_find_the_same_cells(tmp_path: Path):
    file = tmp_path / "f.csv"
    [_, *lines] = written(file, rows(40))
    expected = [tuple(cell or None for cell in line) for line in lines]
    assert pl.read_csv(file, infer_schema=False).rows() == expected
    assert duckdb.execute(f"FROM read_csv('{file}', all_varchar = true)").fetchall() == expected


def test_text_that_is_no_unicode_costs_its_escape_and_not_the_file(tmp_path: Path):
    [_, cells] = written(tmp_path / "f.csv", [{**r, "reason": "a\ud800"} for r in rows(1)])
    assert cells[COLUMNS.index("reason")] == "a\\ud800"
