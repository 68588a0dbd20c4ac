"""Many markets of one singleton: found once, read together, and one that cannot be read leaves the others alone."""

import json
from collections import Counter
from pathlib import Path

import pytest

from tests.devnet.morpho.market import Morpho
from tests.e2e.command import hfm
from tests.protocols.morpho_blue.test_commands import config_of
from tests.protocols.morpho_blue.watched import Watched

pytestmark = pytest.mark.devnet


def rows_of(morpho: Morpho, folder: Path, more: str, *arguments: object) -> tuple[int, list[dict[str, object]]]:
    out = folder / "rows.jsonl"
    config = config_of(morpho, folder, more)
    said = hfm("snapshot", "--config", config, "--deployment", "local-morpho", "--output", out, *arguments)
    assert out.exists(), said.err
    return said.code, [json.loads(line) for line in out.read_text().splitlines()]


def broken(morpho: Morpho) -> str:
    """Take the code of a loan token away, so that its market cannot be read at all; return which market it is."""
    loans = Counter(one.loan for one in morpho.markets) + Counter(one.collateral for one in morpho.markets)
    one = next(one for one in morpho.markets if loans[one.collateral] == 1)
    morpho.chain.set_code(one.collateral, "0xfe")
    morpho.chain.mine()
    return one.id


def test_a_market_that_cannot_be_read_has_a_row_for_everyone_who_borrowed_and_the_others_are_exact(
    watched: Watched, tmp_path: Path
) -> None:
    code, before = rows_of(watched.morpho, tmp_path, "start_block = 0")
    assert code == 0
    which = broken(watched.morpho)
    code, rows = rows_of(watched.morpho, tmp_path, "start_block = 0")
    assert code == 3
    assert {(row["market"], row["key"]) for row in rows} >= {(row["market"], row["key"]) for row in before}
    assert {row["status"] for row in rows if row["market"] != which} == {"measured"}
    lost = [row for row in rows if row["market"] == which]
    assert len(lost) > 40
    assert {row["status"] for row in lost} == {"unmeasurable"}
    assert all("decimals" in str(row["reason"]) for row in lost)


def test_a_market_that_cannot_be_read_has_a_row_for_every_address_asked_about(watched: Watched, tmp_path: Path) -> None:
    people = tmp_path / "people.txt"
    people.write_text("\n".join(watched.morpho.people[:7]))
    which = broken(watched.morpho)
    code, rows = rows_of(watched.morpho, tmp_path, "", "--accounts", people)
    assert code == 3
    found = Counter((row["market"] == which, row["status"]) for row in rows)
    assert found[True, "unmeasurable"] == 7
    assert set(found) == {(True, "unmeasurable"), (False, "measured"), (False, "no_debt")} & set(found)
    assert found.total() == 7 * len(watched.morpho.markets)
