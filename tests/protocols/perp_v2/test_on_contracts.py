"""The real contracts on a local chain: everyone at a dozen moments, every predicate, and lines found to one unit."""

import random
from collections import Counter
from collections.abc import Iterator
from functools import partial

import pytest

from monitor.domain.deployment import Deployment
from monitor.domain.health import Unmeasurable
from monitor.domain.ids import Address, ChainId, DeploymentName, MarketKey, PositionKey
from monitor.domain.prices import Repricing
from monitor.health import perp
from monitor.ledger.accounts import Account
from monitor.protocols.perp_v2.health import Priced, priced, sums_of
from monitor.protocols.perp_v2.liquidation import OK, largest, outcome
from tests.devnet.chain.client import running_chain
from tests.devnet.curie.house import LIQUIDATE, LIQUIDATOR, House
from tests.devnet.curie.opening import HALF_HOUR_S, opened
from tests.protocols.answering import Node
from tests.protocols.perp_v2.recorded import ADAPTER, SLUG

pytestmark = pytest.mark.devnet
MOST_SOLD = "getMaxRepaidSettlementAndLiquidatableCollateral(address,address)(uint256,uint256)"


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with running_chain() as chain:
        yield opened(chain)


def deployment(house: House) -> Deployment:
    roots = {"clearing_house": Address(house.at["ClearingHouse"].lower())}
    return Deployment(DeploymentName("local-perp-v2"), SLUG, ChainId("eip155:31337"), roots)


def everyone(house: House) -> list[PositionKey]:
    return [PositionKey(one) for one in (*house.people, *house.makers, house.at["InsuranceFund"].lower())]


def held_against_the_contracts(house: House, ends: Counter[str]) -> tuple[int, int]:
    """Read everyone and hold each number against the views; return how many were compared, and not measurable."""
    node, key = Node(house.chain.rpc), MarketKey(house.at["ClearingHouse"].lower())
    block = hex(house.chain.head().number)
    keys = everyone(house)
    market = node.read(ADAPTER.market(deployment(house), key), block)
    assert node.read(ADAPTER.compare(deployment(house), key, keys), block) == ()
    accounts = node.read(ADAPTER.accounts(market, keys), block)
    view, unknown = priced(market), len(accounts.failed)
    told = {one.symbol: dict(zip(keys, house.ends(keys, one, block), strict=True)) for one in house.markets}
    places = {one.symbol: market.places[one.base.lower()] for one in house.markets}
    for account in accounts:
        sums, seen = sums_of(view, account), ADAPTER.assess(market, account)
        assert seen.health == ADAPTER.health(market, account)
        if isinstance(sums, str):
            assert isinstance(seen.health, Unmeasurable)
            unknown += 1
            continue
        for symbol, place in places.items():
            said = told[symbol][account.key]
            assert outcome(market, sums, place) == said, (account.key, symbol)
            ends[said] += 1
        goes = OK in {told[symbol][account.key] for symbol in places}
        assert seen.is_liquidatable_now == (goes or sums.is_coin_sale_open)
        ends["coins sold"] += sales_held_against_the_vault(house, view, account, block)
    return len(keys), unknown


def sales_held_against_the_vault(house: House, view: Priced, account: Account, block: str) -> int:
    """Hold what one call sells of each collateral against the vault, whether it may be sold now or not."""
    sums, market, vault = sums_of(view, account), view.market, house.at["Vault"]
    assert not isinstance(sums, str)
    coins = [(market.coins[place], raw) for place, (raw, _) in sums.coins.items()]
    calls = [(vault, MOST_SOLD, account.key, coin.token.address) for coin, _ in coins]
    for (coin, raw), (paid_raw, sold_raw) in zip(coins, house.chain.views(calls, block), strict=True):
        price = view.prices[coin.node]
        assert isinstance(price, int)
        assert largest(market, sums, coin, raw, price) == (sold_raw, paid_raw), account.key
    return len(coins)


def moved(house: House, ppm: int) -> None:
    """Every index and every collateral at that part of what it was, and traders who follow it."""
    for feed in (*(one.feed for one in house.markets), *(one.feed for one in house.coins)):
        house.tell(feed, house.chain.view(feed, "price()(uint256)") * ppm // 10**6)


def test_everyone_at_a_dozen_moments_is_what_the_contracts_say(house: House):
    chance, ends, compared, unknown = random.Random(3), Counter[str](), 0, 0

    def look() -> None:
        nonlocal compared, unknown
        count, lost = held_against_the_contracts(house, ends)
        compared += count
        unknown += lost

    with house.chain.undone():
        look()
        for ppm in (960_000, 950_000, 1_080_000, 930_000):
            moved(house, ppm)
            look()
            whale = house.makers[0]
            acts = [house.trade(whale, one, (ppm - 10**6) * 10**19) for one in house.markets]
            house.chain.bulk(acts)
            house.wait(HALF_HOUR_S)
            look()
        for one in house.markets:
            for who, end in zip(house.people, house.ends(house.people, one), strict=True):
                if end == OK and chance.random() < 0.5:
                    house.send("ClearingHouse", LIQUIDATE, who, one.base, sender=LIQUIDATOR)
        look()
        house.chain.send(house.coins[0].feed, "breakDown(bool)", True)
        look()
        house.chain.send(house.coins[0].feed, "breakDown(bool)", False)
        house.chain.send(house.markets[2].base, "pause()")
        house.wait(HALF_HOUR_S)
        look()
        house.chain.send(house.markets[2].base, "close(uint256)", 13 * 10**18)
        house.chain.send(house.markets[1].feed, "breakDown(bool)", True)
        look()
    print(f"{compared} account-blocks, {unknown} not measurable as in the contracts, ends {dict(ends)}")
    assert compared - unknown >= 1_000
    assert unknown > 20
    assert set(ends) == {"coins sold", "ok", "CH_EAV", "CH_CLWTISO", "CH_PSZ", "CH_MNO"}
    assert min(ends.values()) >= 10


def test_a_liquidation_price_is_the_contracts_own_line_to_the_last_unit(house: House):
    """A closed market is worth what its owner says, to 18 decimals: the last safe price, and the first past it."""
    node, checked = Node(house.chain.rpc), 0
    key = MarketKey(house.at["ClearingHouse"].lower())
    with house.chain.undone():
        eth = house.markets[0]
        house.chain.send(eth.base, "pause()")
        market = node.read(ADAPTER.market(deployment(house), key))
        mark = market.traded[market.places[eth.base.lower()]].node
        accounts = node.read(ADAPTER.accounts(market, everyone(house)[: len(house.people)]))
        for account in accounts:
            seen = ADAPTER.assess(market, account)
            if len(seen.positions) != 1 or seen.positions[0].node != mark:
                continue
            health = partial(ADAPTER.health, market, account)
            for line in perp.liquidation_prices(health, market.graph, seen):
                if line.node != mark:
                    continue
                for price, is_past in ((line.last_safe, False), (line.first_liquidatable, True)):
                    with house.chain.undone():
                        house.chain.send(eth.base, "close(uint256)", price)
                        (value,) = house.views("ClearingHouse", "getAccountValue(address)(int256)", [account.key])
                        required = "getMarginRequirementForLiquidation(address)(int256)"
                        (least,) = house.views("AccountBalance", required, [account.key])
                        assert (value < least) == is_past, (account.key, price)
                        again = ADAPTER.health(market, account, Repricing("at", {mark: price}))
                        assert (getattr(again, "numerator", None), getattr(again, "denominator", None)) == (
                            value,
                            least,
                        )
                        checked += 1
    print(f"{checked} sides of lines checked")
    assert checked >= 20


def test_logs_name_everyone_who_has_a_position(house: House):
    node, key = Node(house.chain.rpc), MarketKey(house.at["ClearingHouse"].lower())
    logs = house.chain.rpc.request(
        "eth_getLogs",
        {
            "fromBlock": "0x0",
            "toBlock": "latest",
            "address": key,
            "topics": [list(ADAPTER.discovery(deployment(house), key).topics[0] or ())],
        },
    )
    named = {"0x" + log["topics"][1][-40:] for log in logs}
    market = node.read(ADAPTER.market(deployment(house), key))
    holders = {
        one.key for one in node.read(ADAPTER.accounts(market, everyone(house))) if ADAPTER.assess(market, one).positions
    }
    assert holders <= named
    assert len(holders) > 80
