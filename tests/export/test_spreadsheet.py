"""A CSV opened by a real spreadsheet: no cell is a formula, and every number is the number that was written."""

import os
import shutil
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.domain.row import COLUMNS, Row
from monitor.export import writer_for
from monitor.export.columns import NUMBERS, TEXTS
from tests.export.rows import rows
from tests.export.test_csv import HOSTILE

TABLE, OFFICE = (f"{{urn:oasis:names:tc:opendocument:xmlns:{name}:1.0}}" for name in ("table", "office"))
SOFFICE = shutil.which("soffice")
pytestmark = pytest.mark.skipif(SOFFICE is None, reason="no soffice: install libreoffice-calc-nogui to open sheets")


def hostile_rows() -> list[Row]:
    """Ordinary rows, and one for each hostile text with that in every column of text."""
    some = list(rows(60))
    for place, text in enumerate(HOSTILE):
        some[place] |= dict.fromkeys(TEXTS, text.replace("\x00", ""))
    some[0] |= {"equity_usd": "-12.34", "health_factor": "-0.000000000000000001", "at_block": 2**63 - 1}
    return some


def opened(path: Path, folder: Path) -> list[list[ET.Element]]:
    """The cells of a file as LibreOffice has them, row by row."""
    assert SOFFICE is not None
    subprocess.run(
        [SOFFICE, f"-env:UserInstallation=file://{folder}/profile", "--headless", "--convert-to", "fods",
         "--outdir", str(folder), str(path)],
        check=True, capture_output=True, timeout=180, env=os.environ | {"HOME": str(folder)},
    )  # fmt: skip
    sheet = ET.parse(folder / f"{path.stem}.fods")  # LibreOffice wrote it a moment ago
    return [list(_cells(line)) for line in sheet.iter(f"{TABLE}table-row")]


def _cells(line: ET.Element) -> Iterator[ET.Element]:
    for cell in line:
        for _ in range(min(int(cell.get(f"{TABLE}number-columns-repeated", "1")), len(COLUMNS))):
            yield cell


def test_a_spreadsheet_finds_no_formula_and_the_same_numbers(tmp_path: Path):
    wrote = hostile_rows()
    with writer_for(tmp_path / "out.csv") as writer:
        writer.write(wrote)
    header, *lines = opened(tmp_path / "out.csv", tmp_path)
    assert ["".join(cell.itertext()).strip() for cell in header[: len(COLUMNS)]] == list(COLUMNS)
    assert [cell for line in lines for cell in line if cell.get(f"{TABLE}formula") is not None] == []
    assert len(lines) >= len(wrote)
    compared = 0
    for line, row in zip(lines, wrote, strict=False):
        for name in NUMBERS:
            cell, expected = line[COLUMNS.index(name)], row[name]
            if expected is None:
                assert "".join(cell.itertext()).strip() == ""
            else:
                assert float(cell.get(f"{OFFICE}value", "nan")) == pytest.approx(float(expected), rel=1e-14)
                compared += 1
    assert compared > 10 * len(wrote)
