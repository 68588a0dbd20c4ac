"""Questions to history: a position over a time, a deployment at one moment, healths over time; and foreign readers."""

import asyncio
import shutil

import duckdb
import pandas as pd  # type: ignore[import-untyped]
import polars as pl
import pyarrow.dataset as ds
import pytest

from monitor.domain.row import row
from monitor.errors import HistoryError, UsageError
from monitor.history.files import Partition, partitions, parts
from monitor.history.keeping import kept
from monitor.history.queries import Wanted, count, distribution, moment, position, rows
from monitor.history.records import MARKET
from monitor.history.tidying import compact
from tests.fakes.clock import FakeClock
from tests.fakes.evaluations import position as position_of
from tests.history.made import BIG, HOUR_S, MIDNIGHT_S, each, seen

DAY_S = 86_400
SAID = ("1.5", "1.2", "1.05", "0.9", "none", "?no price", BIG)


async def _build(folder):
    clock = FakeClock(MIDNIGHT_S)
    with kept(folder, clock, 400) as history:
        for hour in range(72):
            at = MIDNIGHT_S + hour * HOUR_S
            history.offer([seen(1, at, "1.5" if hour % 2 else "1.25")])
            if hour % 6 == 0:
                for name in ("local-core", "other-core"):
                    evaluations = [seen(n, at, said, name) for n, said in enumerate(SAID, 1)]
                    await history.market(each(map(row, evaluations)))
            await history.write()


@pytest.fixture(scope="module", params=["in small files", "put together"])
def built(request, tmp_path_factory):
    """Two deployments, each with a snapshot every six hours of three days, and one watched account every hour."""
    root = tmp_path_factory.mktemp("built") / "history"
    asyncio.run(_build(root))
    if request.param == "put together":
        compact(root, MIDNIGHT_S + 10 * DAY_S)
        assert all(len(parts(root, one)) == 1 for one in partitions(root))
    return root


@pytest.fixture
def told(built, tmp_path):
    """A copy that a test may spoil."""
    return shutil.copytree(built, tmp_path / "history")


def test_one_position_over_a_time_is_told_hour_by_hour(told):
    since, until = MIDNIGHT_S + 10 * HOUR_S, MIDNIGHT_S + 30 * HOUR_S
    found = position(told, position_of(1), since, until)
    assert [one["at_time"] for one in found] == list(range(since, until + 1, HOUR_S))
    assert {one["scope"] for one in found} == {"watched"}, "where both were kept the watched row has more to tell"
    assert found[0]["health_ppm"] == 1_250_000
    assert position(told, position_of(2), since, until)[0]["scope"] == "market"
    assert position(told, position_of(99), since, until) == []


def test_a_deployment_at_one_moment_is_its_last_snapshot(told):
    for hours, last in ((0, 0), (5, 0), (6, 6), (29, 24), (71, 66), (1_000, 66)):
        found = moment(told, "other-core", MIDNIGHT_S + hours * HOUR_S)
        assert [one["at_time"] for one in found] == [MIDNIGHT_S + last * HOUR_S] * len(SAID)
        assert [one["status"] for one in found] == ["measured"] * 4 + ["no_debt", "unmeasurable", "measured"]
    assert moment(told, "other-core", MIDNIGHT_S - 1) == []
    assert moment(told, "nothing", MIDNIGHT_S) == []


def test_healths_over_time_are_counted_between_edges(told):
    edges = (1_000_000, 1_100_000, 1_300_000)
    found = distribution(told, edges, MIDNIGHT_S, MIDNIGHT_S + 3 * DAY_S, "local-core")
    assert len(found) == 12 * 4
    first = [(one.below_ppm, one.accounts, one.debt) for one in found[:4]]
    assert first == [(1_000_000, 2, 2_000.0), (1_100_000, 1, 1_000.0), (1_300_000, 1, 1_000.0), (None, 1, 1_000.0)]
    assert {one.deployment for one in distribution(told, edges, 0, 2 * MIDNIGHT_S)} == {"local-core", "other-core"}
    with pytest.raises(UsageError, match="ascending"):
        distribution(told, (2, 1), 0, 1)


def test_rows_are_found_by_every_filter_and_no_text_is_a_statement(told):
    whole = Wanted(0, 2 * MIDNIGHT_S)
    owner = position_of(3).key

    def found(wanted):
        return [one for some in rows(told, wanted) for one in some]

    assert len(found(whole)) == count(told, whole) == 72 + 2 * 12 * len(SAID)
    by_owner = found(Wanted(0, 2 * MIDNIGHT_S, owners=(owner,)))
    assert {one["key"] for one in by_owner} == {owner}
    below = found(Wanted(0, 2 * MIDNIGHT_S, MARKET, "local-core", below_ppm=1_100_000))
    assert {(one["status"], one["health_ppm"]) for one in below} == {
        ("measured", 1_050_000), ("measured", 900_000), ("unmeasurable", None), ("measured", -3_333_334)
    }  # fmt: skip
    for hostile in ("' OR 1=1 --", "'); DROP TABLE kept; --", "*"):
        assert found(Wanted(0, 2 * MIDNIGHT_S, deployment=hostile)) == []
        assert found(Wanted(0, 2 * MIDNIGHT_S, keys=(hostile,))) == []
        assert found(Wanted(0, 2 * MIDNIGHT_S, market=hostile)) == []


def test_pandas_polars_and_duckdb_read_the_same_integers_without_us(told):
    pattern = f"{told}/scope=market/**/*.parquet"
    names = ("health_numerator", "health_denominator", "collateral_base", "debt_base", "base_unit")
    made = {
        one["key"]: one for some in rows(told, Wanted(MIDNIGHT_S, MIDNIGHT_S, MARKET, "local-core")) for one in some
    }
    assert int(str(made[position_of(7).key]["health_numerator"])) == BIG.numerator
    statement = "FROM read_parquet($files) WHERE at_time = $at AND deployment = 'local-core'"
    by_duckdb = duckdb.execute(statement, {"files": pattern, "at": MIDNIGHT_S})
    by_polars = pl.read_parquet(pattern, hive_partitioning=True)
    by_polars = by_polars.filter((pl.col("at_time") == MIDNIGHT_S) & (pl.col("deployment") == "local-core"))
    by_pandas = pd.read_parquet(told / "scope=market", filters=[("at_time", "==", MIDNIGHT_S)])
    by_pandas = by_pandas[by_pandas["deployment"].astype(str) == "local-core"]
    columns = [column[0] for column in by_duckdb.description or ()]
    readers = [
        [dict(zip(columns, cells, strict=True)) for cells in by_duckdb.fetchall()],
        by_polars.to_dicts(),
        by_pandas.astype(object).where(by_pandas.notna(), None).to_dict("records"),
    ]
    for found in readers:
        assert len(found) == len(SAID)
        for one in found:
            mine = made[one["key"]]
            for name in names:
                assert (one[name] is None) == (mine[name] is None)
                assert one[name] is None or int(one[name]) == int(str(mine[name])), name
    exact = BIG.numerator
    assert {exact} <= {int(one["health_numerator"] or 0) for found in readers for one in found}
    assert ds.dataset(told / "scope=market", partitioning="hive").count_rows() == 2 * 12 * len(SAID)


def test_files_are_sorted_and_folders_name_scope_deployment_and_day(told):
    days = {one.day for one in partitions(told)}
    assert len(days) == 3
    for one in partitions(told):
        assert one == Partition(one.scope, one.deployment, one.day)
        for part in parts(told, one):
            order = duckdb.execute(
                "SELECT market, key, at_time FROM read_parquet($path)", {"path": str(part.path)}
            ).fetchall()
            assert order == sorted(order)


def test_a_file_that_cannot_be_read_is_our_own_failure(told):
    path = next(parts(told, one)[0].path for one in partitions(told) if one.scope == "market")
    content = bytearray(path.read_bytes())
    content[4 : len(content) - 8] = bytes(len(content) - 12)
    path.write_bytes(content)
    with pytest.raises(HistoryError, match="expected history that can be read"):
        list(rows(told, Wanted(0, 2 * MIDNIGHT_S)))
