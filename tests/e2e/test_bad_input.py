"""Wrong things typed, given or served end in a clear sentence and the right exit code, or in a labelled unknown."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.devnet import Market
from tests.e2e.command import DEPLOYMENT, Said, accounts_of, config_of, hfm
from tests.faults.proxy import Faults, running

pytestmark = [pytest.mark.devnet, pytest.mark.xdist_group("v30")]
KEY = "ab" * 32
NOWHERE = "0x" + "99" * 20


@dataclass(frozen=True)
class Place:
    """Where a case happens."""

    market: Market
    folder: Path
    accounts: Path

    def config(self, more: str = "", url: str | None = None, provider: str | None = None) -> Path:
        return config_of(self.market, self.folder, more, url, provider)

    def replaced(self, old: str, new: str) -> Path:
        path = self.config()
        path.write_text(path.read_text().replace(old, new))
        return path

    def snapshot(self, config: Path, *more: object, output: str = "out.jsonl") -> Said:
        arguments = ("--config", config, "--deployment", DEPLOYMENT, "--accounts", self.accounts)
        return hfm("snapshot", *arguments, "--output", self.folder / output, *more)

    def accounts_with(self, line: str) -> Path:
        path = self.folder / "bad.txt"
        path.write_text(f"# people\n{line}\n")
        return path


@dataclass(frozen=True)
class Case:
    """What is done wrong, and how it must end."""

    what: str
    done: Callable[[Place], Said]
    code: int
    message: str


CASES = (
    Case(
        "a wrong address in a list",
        lambda p: hfm("snapshot", "--config", p.config(), "--accounts", p.accounts_with("0x12")),
        2,
        "bad.txt, line 2: expected an address of 0x and 40 hex digits, found '0x12'",
    ),
    Case(
        "an empty list",
        lambda p: hfm("snapshot", "--config", p.config(), "--accounts", p.accounts_with("")),
        2,
        "expected at least one address",
    ),
    Case(
        "a wrong address typed", lambda p: hfm("watch", "0xzz", "--config", p.config()), 2, "expected an address of 0x"
    ),
    Case(
        "an unknown protocol",
        lambda p: hfm("check", "--config", p.replaced('"aave_v3"', '"aave_v33"')),
        2,
        "unknown protocol 'aave_v33': did you mean aave_v3",
    ),
    Case(
        "a backup of no store",
        lambda p: hfm(
            "backup", p.folder / "copy.db", "--config", p.config(f'[store]\nurl = "sqlite:///{p.folder}/no.db"')
        ),
        2,
        "no.db, found none",
    ),
    Case(
        "a backup of another kind of store",
        lambda p: hfm("backup", p.folder / "copy.db", "--config", p.config('[store]\nurl = "postgresql://me@db/hfm"')),
        2,
        "pg_dump",
    ),
    Case(
        "an unknown setting",
        lambda p: hfm("check", "--config", p.config("[stor]\nurl = 'x'")),
        2,
        "unknown setting 'stor': did you mean store",
    ),
    Case(
        "an unknown deployment",
        lambda p: hfm("snapshot", "--config", p.config(), "--deployment", "local-cor"),
        2,
        "unknown deployment 'local-cor': did you mean local-core",
    ),
    Case(
        "an unknown chain",
        lambda p: hfm("snapshot", "--config", p.config(), "--chain", "locl"),
        2,
        "unknown chain 'locl': did you mean local",
    ),
    Case("an unknown verb", lambda _: hfm("snapshto"), 2, "Did you mean"),
    Case("an unknown option", lambda _: hfm("export", "--from", "x"), 2, "--from. `hfm export --help` lists"),
    Case("a word too many", lambda _: hfm("stress", "ETH-20"), 2, "expected nothing more after `hfm stress`"),
    Case(
        "a missing configuration",
        lambda _: hfm("run", "--config", "nowhere.toml"),
        2,
        "expected a readable settings file",
    ),
    Case(
        "a private key in the configuration",
        lambda p: hfm("run", "--config", p.config(f'[telegram]\nbase_url = "0x{KEY}"')),
        2,
        "looks like a private key. hfm only reads and never needs one",
    ),
    Case(
        "an unreachable endpoint",
        lambda p: p.snapshot(p.config(url="http://127.0.0.1:1")),
        3,
        "expected one usable endpoint",
    ),
    Case(
        "a private address without leave",
        lambda p: p.snapshot(p.replaced("allow_private = true", "")),
        2,
        "allow_private",
    ),
    Case("a block that is not there", lambda p: p.snapshot(p.config(), "--block", 10**9), 3, "block"),
    Case(
        "no block at all",
        lambda p: p.snapshot(p.config(), "--block", "latest"),
        2,
        "expected a block number or a 0x… hash",
    ),
    Case("an unknown file format", lambda p: p.snapshot(p.config(), output="out.xls"), 2, ".csv, .jsonl, .parquet"),
    Case(
        "a place that cannot be written",
        lambda p: p.snapshot(p.config(), output="none/out.csv"),
        2,
        "out.csv",
    ),
    Case(
        "a database that cannot be written",
        lambda p: hfm("run", "--config", p.config('[store]\nurl = "sqlite:////proc/hfm.db"')),
        2,
        "expected a database that can be written",
    ),
    Case("an unknown channel", lambda _: hfm("test-alert", "sms:1"), 2, "expected console:<address>, telegram"),
    Case("a channel that is not set up", lambda _: hfm("test-alert", "telegram:1"), 1, "HFM_TELEGRAM__TOKEN"),
    Case("no number for a health", lambda p: hfm("at-risk", "--config", p.config(), "--below", "low"), 2, "--below"),
)


@pytest.fixture
def place(market_v30, tmp_path):
    return Place(market_v30, tmp_path, accounts_of(market_v30.accounts[:30], tmp_path))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what)
def test_what_is_wrong_is_said_in_a_sentence(case, place):
    said = case.done(place)
    told = " ".join((said.out + said.err).split())
    assert (said.code, case.message in told) == (case.code, True), told
    assert "Traceback" not in told


def rows_in(folder):
    return [json.loads(line) for line in (folder / "out.jsonl").read_text().splitlines()]


def test_an_address_that_is_no_provider_leaves_every_row_unmeasurable_and_says_why(place):
    said = place.snapshot(place.config(provider=NOWHERE))
    rows = rows_in(place.folder)
    assert (said.code, len(rows)) == (3, 30)
    assert {row["status"] for row in rows} == {"unmeasurable"}
    assert all("expected the pool addresses provider of an Aave v3 market" in row["reason"] for row in rows)
    assert all(row["health_factor"] is None and row["is_liquidatable_now"] is None for row in rows)


async def test_an_endpoint_of_another_chain_is_refused(place):
    async with running(place.market.chain.node.http_url) as proxy:
        proxy.faults = Faults(chain_id=1)
        said = await asyncio.to_thread(place.snapshot, place.config(url=proxy.url))
    assert said.code == 3
    assert "31337" in said.err


@pytest.mark.parametrize(
    "faults",
    [Faults(override=False), Faults(override=False, deployless=False), Faults(override=False, batch=False)],
    ids=["no state override", "no lens at all", "no override and no batches"],
)
async def test_an_endpoint_that_can_do_less_gives_the_same_rows(place, faults):
    best = await asyncio.to_thread(place.snapshot, place.config())
    expected = rows_in(place.folder)
    async with running(place.market.chain.node.http_url) as proxy:
        proxy.faults = faults
        said = await asyncio.to_thread(place.snapshot, place.config(url=proxy.url))
    assert (best.code, said.code) == (0, 0), said.err
    assert rows_in(place.folder) == expected


async def test_a_price_feed_that_answers_nonsense_is_unknown_and_sinks_nothing(place):
    weth = place.market.deployed.reserve("WETH").token.lower()
    async with running(place.market.chain.node.http_url) as nonsense:
        more = f"""[prices]
url = "{nonsense.url}"
allow_private = true
[[reference]]
chain = "local"
token = "{weth}"
coin = "ethereum:{weth}"
"""
        said = await asyncio.to_thread(place.snapshot, place.config(more))
    assert said.code == 0, said.err
    assert {row["status"] for row in rows_in(place.folder)} <= {"measured", "no_debt"}
    assert "no independent prices" in said.err


def test_hostile_tokens_are_valued_and_shown_by_their_address(settled_hostile, tmp_path):
    place = Place(settled_hostile, tmp_path, accounts_of(settled_hostile.accounts, tmp_path))
    said = place.snapshot(place.config())
    assert said.code == 0, said.err
    rows = rows_in(tmp_path)
    assert {row["status"] for row in rows} == {"measured"}
    for row, truth in zip(rows, settled_hostile.accounts_data([row["key"] for row in rows]), strict=True):
        assert int(row["native_health"]) == truth.health_factor_wad
    shown = hfm("watch", "--once", "--config", place.config(), *settled_hostile.accounts)
    assert shown.code == 0, shown.err
    assert not {"<", "\x1b", "http"} & set(shown.out)
