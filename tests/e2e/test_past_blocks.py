"""`hfm snapshot --block`: on a node that keeps every state, each past block is what the contracts say at that block."""

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.devnet import Chain, Market, aave_v30, running_chain
from tests.devnet.curie.house import House
from tests.devnet.curie.opening import HALF_HOUR_S, opened
from tests.e2e.command import config_of, hfm

pytestmark = pytest.mark.devnet
DATA = "getUserAccountData(address)(uint256,uint256,uint256,uint256,uint256,uint256)"
BLOCKS, NO_DEBT = 4, 2**256 - 1


@pytest.fixture(scope="module")
def market() -> Iterator[Market]:
    """A pool whose prices have moved, and whose people have acted, over many blocks."""
    with running_chain() as chain:
        yield aave_v30(chain, 40)


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    """A clearing house in which traders go on."""
    with running_chain() as chain:
        yield opened(chain, people=30)


def snapshot(config: Path, block: object, folder: Path) -> tuple[int, list[dict[str, object]]]:
    path = folder / f"{str(block)[:12]}.jsonl"
    said = hfm("snapshot", "--config", config, "--block", block, "--output", path)
    return said.code, [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def history_of(chain: Chain, act, blocks: int = BLOCKS) -> list[tuple[int, str]]:
    """Let things happen between blocks, and return number and hash of some on the way."""
    found = []
    for number in range(blocks):
        act(number)
        head = chain.head()
        found.append((head.number, head.hash))
    return found


def test_a_pool_at_each_past_block_is_what_its_contract_says_there(market: Market, tmp_path: Path):
    chance, chain, people = random.Random(4), market.chain, market.accounts

    def act(_: int) -> None:
        for symbol in ("WETH", "WBTC"):
            market.scale_price(symbol, chance.choice((800_000, 930_000, 1_100_000)))
        user = chance.choice(people)
        market.fund(user, "WETH", 10**18)
        market.supply(user, "WETH", 10**18)
        chain.advance_time(chance.choice((12, 3_600, 864_000)))

    blocks, compared, healths = history_of(chain, act), 0, set()
    listed = tmp_path / "people.txt"
    listed.write_text("\n".join(people))
    config = config_of(market, tmp_path, f'accounts = "{listed}"\n')
    for number, hash_ in (*blocks, (blocks[0][0] - 5, None)):
        code, rows = snapshot(config, number, tmp_path)
        assert code == 0
        if hash_ is not None:
            assert snapshot(config, hash_, tmp_path)[1] == rows
            assert {row["at_hash"] for row in rows} == {hash_}
        by_key = {row["key"]: row for row in rows}
        truth = chain.views([(market.deployed.pool, DATA, user) for user in people], hex(number))
        for user, (collateral, debt, _, _, _, health) in zip(people, truth, strict=True):
            row = by_key[user.lower()]
            assert row["at_block"] == number
            ours = int(str(row["native_health"])) if row["native_health"] else NO_DEBT
            assert (int(str(row["collateral_base"])), int(str(row["debt_base"])), ours) == (collateral, debt, health)
            healths.add((user, health))
            compared += 1
    print(f"{compared} rows at {len(blocks) + 1} blocks, {len(healths)} different healths")
    assert compared == len(people) * (BLOCKS + 1)
    assert len(healths) > 2 * len(people) // 2


def test_a_clearing_house_at_each_past_block_is_what_its_contracts_say_there(house: House, tmp_path: Path):
    chance, compared = random.Random(5), 0

    def act(number: int) -> None:
        for one in house.markets:
            now = house.chain.view(one.feed, "price()(uint256)")
            house.tell(one.feed, now * chance.choice((930, 970, 1_040)) // 1_000)
        house.chain.bulk([house.trade(house.makers[0], one, (number - 2) * 10**22) for one in house.markets])
        house.wait(HALF_HOUR_S)

    blocks = history_of(house.chain, act)
    listed, config = tmp_path / "people.txt", tmp_path / "hfm.toml"
    listed.write_text("\n".join(house.people))
    config.write_text(
        f'[[chain]]\nname = "local"\nid = "eip155:31337"\nrpc = ["{house.chain.node.http_url}"]\nallow_private = true\n'
        '[[deployment]]\nname = "local-perp"\nprotocol = "perp_v2"\nchain = "local"\n'
        f'clearing_house = "{house.at["ClearingHouse"]}"\naccounts = "{listed}"\n'
    )
    for number, _ in blocks:
        code, rows = snapshot(config, number, tmp_path)
        assert code == 0
        by_key, block = {row["key"]: row for row in rows}, hex(number)
        values = house.views("ClearingHouse", "getAccountValue(address)(int256)", house.people, block)
        signature = "getMarginRequirementForLiquidation(address)(int256)"
        for who, value, least in zip(
            house.people, values, house.views("AccountBalance", signature, house.people, block), strict=True
        ):
            if least:
                row = by_key[who]
                assert (row["health_numerator"], row["health_denominator"]) == (str(value), str(least))
                compared += 1
    print(f"{compared} rows of traders at {len(blocks)} blocks")
    assert compared >= 60


def test_a_block_that_has_not_been_or_lies_before_the_contract_is_no_empty_snapshot(market: Market, tmp_path: Path):
    listed = tmp_path / "people.txt"
    listed.write_text("\n".join(market.accounts[:3]))
    config = config_of(market, tmp_path, f'accounts = "{listed}"\n')
    for block in (market.chain.head().number + 1_000, 1, "0x" + "ab" * 32):
        code, rows = snapshot(config, block, tmp_path)
        assert code != 0, block
        assert all(row["status"] == "unmeasurable" for row in rows)
