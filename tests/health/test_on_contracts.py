"""Liquidation prices and remedies against the real contracts."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from monitor.domain.assessment import Assessment, Leg, LiquidationPrice, Side, Step
from monitor.domain.health import Measured
from monitor.domain.ids import address
from monitor.domain.prices import PROTOCOL, Node
from monitor.health.liquidation_price import liquidation_prices
from monitor.health.remedy import remedy
from monitor.ledger.accounts import Account
from monitor.pricing.haircuts import Haircut, Haircuts
from monitor.pricing.repricing import cautious
from monitor.protocols.aave_v3.market import Market
from monitor.units import WAD
from tests.devnet import LIQUIDATOR, MAX, STABLE, VARIABLE, Chain
from tests.devnet import Market as Devnet
from tests.devnet.aave.market import ACCOUNT_DATA
from tests.devnet.chain.codec import calldata, results
from tests.devnet.chain.rpc import strict
from tests.protocols.aave_v3.watched import LIQUIDATION, PLENTY, Watched

pytestmark = pytest.mark.devnet

POSITIONS = 300
REMEDIES = 8
TARGET = 3 * WAD // 2
HEALTHY = {"HEALTH_FACTOR_NOT_BELOW_THRESHOLD", "HealthFactorNotBelowThreshold"}


@dataclass
class Sight:
    """A devnet market with its liquidator funded, and the positions in it that owe something."""

    watched: Watched
    market: Market
    positions: list[tuple[Account, Assessment]]

    @property
    def chain(self) -> Chain:
        return self.watched.devnet.chain

    def prices(self, account: Account, seen: Assessment) -> tuple[LiquidationPrice, ...]:
        judge, market = self.watched.adapter, self.market
        return liquidation_prices(lambda r: judge.health(market, account, r), market.graph, seen.legs, seen.health)

    def slots(self) -> dict[Node, tuple[str, int]]:
        """Return contract and storage slot that hold each node's integer."""
        found: dict[Node, tuple[str, int]] = {}
        for feed in self.watched.devnet.feeds():
            found[Node(f"feed:{address(feed.feed)}")] = (feed.aggregator, self._slot(feed.aggregator, "latestAnswer"))
            if feed.ratio_source:
                found[Node(f"ratio:{address(feed.source)}")] = (
                    feed.ratio_source,
                    self._slot(feed.ratio_source, "ratio"),
                )
        return found

    def at(self, place: tuple[str, int], value: int, to: str, data: str, sender: str = LIQUIDATOR) -> tuple[str, Any]:
        """Return the call as it would be if the place held the value, everything else as in the newest block."""
        override = {place[0]: {"stateDiff": {f"0x{place[1]:064x}": f"0x{value:064x}"}}}
        return "eth_call", ({"from": sender, "to": to, "data": data}, "latest", override)

    def _slot(self, contract: str, getter: str) -> int:
        now = int(self.chain.view(contract, f"{getter}()(uint256)"))
        words = strict(self.chain.rpc.batch([("eth_getStorageAt", (contract, hex(i), "latest")) for i in range(8)]))
        (slot,) = [i for i, word in enumerate(words) if int(word, 16) == now]
        return slot


@pytest.fixture
def sight(market: Devnet) -> Sight:
    watched = Watched(market)
    watched.fund_liquidator()
    seen = watched.market()
    accounts = [(account, watched.adapter.assess(seen, account)) for account in watched.accounts(seen)]
    return Sight(watched, seen, [pair for pair in accounts if isinstance(pair[1].health, Measured)])


def spread(sight: Sight, count: int) -> list[tuple[Account, Assessment]]:
    """Return positions of every make: evenly over all, those with several legs and categories among them."""
    step = max(len(sight.positions) // count, 1)
    return sight.positions[::step][:count]


def test_the_contracts_health_crosses_one_exactly_between_the_two_integers(sight: Sight):
    slots, pool, calls, expected = sight.slots(), sight.watched.key, [], []
    prices = [(account, price) for account, seen in sight.positions for price in sight.prices(account, seen)]
    for account, price in prices:
        for value, is_past in ((price.last_safe, False), (price.first_liquidatable, True)):
            calls.append(sight.at(slots[price.node], value, pool, calldata(ACCOUNT_DATA, account.key)))
            expected.append(is_past)
    factors = [results(ACCOUNT_DATA, data)[5] for data in strict(sight.chain.rpc.batch(calls))]
    assert [factor < WAD for factor in factors] == expected
    assert len({account.key for account, _ in prices}) >= POSITIONS
    assert {price.direction for _, price in prices} == {"falls", "rises"}
    assert {price.node.partition(":")[0] for _, price in prices} == {"feed", "ratio"}
    assert any(price.last_safe > price.now and price.direction == "falls" for _, price in prices)


def test_a_liquidation_is_refused_at_the_last_safe_answer_and_goes_through_one_unit_on(sight: Sight):
    slots = sight.slots()
    tries: list[tuple[LiquidationPrice, tuple[str, str], str]] = []
    for account, seen in sight.positions:
        pair = _open_pair(sight, seen)
        if pair is not None and len(tries) < POSITIONS:
            tries += [(price, pair, account.key) for price in sight.prices(account, seen)[:2]]
    calls = [
        sight.at(slots[price.node], value, sight.watched.key, calldata(LIQUIDATION, *pair, key, MAX, False))
        for price, pair, key in tries
        for value in (price.last_safe, price.first_liquidatable)
    ]
    answers = [sight.watched._reason(answer) for answer in sight.chain.rpc.batch(calls)]
    assert all(reason in HEALTHY for reason in answers[::2])
    refused = [reason for reason in answers[1::2] if reason is not None]
    assert not HEALTHY & set(refused)
    went_through = {key for (_, _, key), reason in zip(tries, answers[1::2], strict=True) if reason is None}
    assert len(went_through) >= 50, (len(went_through), len(tries), set(refused))


def test_carried_out_remedies_reach_the_target_and_one_unit_less_does_not(sight: Sight):
    done: dict[str, int] = {"add": 0, "repay": 0}
    for account, seen in spread(sight, 6 * REMEDIES):
        if any(count < REMEDIES for count in done.values()):
            for step in remedy(sight.watched.adapter, sight.market, account, TARGET, [(PROTOCOL, seen)]).steps:
                leg = _leg_of(seen, step)
                assert _health_after(sight, account, leg, step.amount_raw) == step.reaches_wad >= TARGET
                assert _health_after(sight, account, leg, step.amount_raw - 1) < TARGET
                done[step.action] += 1
    assert min(done.values()) >= REMEDIES


def test_what_is_closed_to_the_owner_is_refused_by_the_contract(sight: Sight):
    """Every leg the advice calls frozen or paused: the contract refuses to take even one unit."""
    refused = set()
    for account, seen in sight.positions:
        for leg in seen.legs:
            reason = sight.watched.adapter.closed_ways(sight.market, leg)
            if reason is not None and (leg.token.symbol, leg.side) not in refused:
                with sight.chain.undone(), pytest.raises(RuntimeError):
                    _act(sight.watched.devnet, account.key, leg, 1)
                refused.add((leg.token.symbol, leg.side))
    assert {side for _, side in refused} == {Side.COLLATERAL, Side.DEBT}


def test_what_is_lent_out_or_paused_is_kept_by_the_contract_and_everything_else_is_paid_out(sight: Sight):
    """Somebody borrows all of the ether there is: nothing of it comes out, and one unit of every other collateral."""
    devnet, adapter = sight.watched.devnet, sight.watched.adapter
    with sight.chain.undone():
        devnet.supply(LIQUIDATOR, "WBTC", PLENTY * devnet.reserve("WBTC").unit)
        available = sight.market.reserve_of(address(devnet.reserve("WETH").token))
        assert available is not None
        assert available.available_raw
        _uncapped(devnet, "WETH")
        devnet.borrow(LIQUIDATOR, "WETH", available.available_raw)
        market = sight.watched.market()
        said: dict[str | None, set[str]] = {}
        for account, seen in sight.positions:
            if not isinstance(seen.health, Measured) or seen.health.numerator < 2 * seen.health.denominator:
                continue
            for leg in seen.legs:
                reason = adapter.kept(market, account, leg) if leg.side is Side.COLLATERAL else ""
                if reason == "" or leg.token.symbol in said.get(reason, set()):
                    continue
                said.setdefault(reason, set()).add(leg.token.symbol)
                with sight.chain.undone():
                    if reason is None:
                        devnet.withdraw(account.key, leg.token.symbol, 1)
                    else:
                        with pytest.raises(RuntimeError):
                            devnet.withdraw(account.key, leg.token.symbol, leg.amount_raw)
    assert said["no liquidity, all of it is lent out"] == {"WETH"}
    assert {"paused", "not before the collateral that nothing may be borrowed against"} <= said.keys()
    assert len(said[None]) >= 5


def _uncapped(devnet: Devnet, symbol: str) -> None:
    """Let any amount of the asset be borrowed."""
    deployed = devnet.deployed
    devnet.chain.send(deployed.configurator, "setBorrowCap(address,uint256)", devnet.reserve(symbol).token, 0)


def _open_pair(sight: Sight, seen: Assessment) -> tuple[str, str] | None:
    """Return tokens of the largest collateral and debt that a liquidation may take."""
    best: dict[Side, Leg] = {}
    for leg in seen.legs:
        reserve = sight.market.reserve_of(leg.token.address)
        if reserve is None or reserve.configuration.is_paused or not leg.weight_bps or not leg.value_base:
            continue
        if reserve.grace_until_s >= sight.market.at.timestamp_s or leg.label == "stable":
            continue
        if leg.side not in best or leg.value_base > (best[leg.side].value_base or 0):
            best[leg.side] = leg
    if len(best) < 2 or seen.is_insolvent:
        return None
    return best[Side.COLLATERAL].token.address, best[Side.DEBT].token.address


def _leg_of(seen: Assessment, step: Step) -> Leg:
    side = Side.DEBT if step.action == "repay" else Side.COLLATERAL
    return next(leg for leg in seen.legs if leg.side is side and leg.token == step.token)


def _health_after(sight: Sight, account: Account, leg: Leg, amount_raw: int) -> int:
    """Carry the step out on the chain, at the time of the newest block, and ask the contract."""
    with sight.chain.undone(), _standing_still(sight.chain):
        _act(sight.watched.devnet, account.key, leg, amount_raw)
        return sight.watched.devnet.account_data(account.key).health_factor_wad


@contextmanager
def _standing_still(chain: Chain) -> Iterator[None]:
    chain.set_block_interval(0)
    try:
        yield
    finally:
        chain.set_block_interval(12)


def _act(devnet: Devnet, user: str, leg: Leg, amount_raw: int) -> None:
    symbol = next(r.symbol for r in devnet.deployed.reserves if r.token.lower() == leg.token.address)
    if leg.side is Side.DEBT:
        devnet.repay(user, symbol, amount_raw, STABLE if leg.label == "stable" else VARIABLE)
    else:
        devnet.supply(user, symbol, amount_raw)


def test_the_cautious_view_holds_back_for_accounts_whose_category_has_a_price_of_its_own(sight: Sight):
    haircuts = Haircuts(Haircut("flat", 100, 50, 200, "test", "2026-11-21"), {})
    market = sight.market
    careful = cautious(market.tokens, market.graph, {}, haircuts, market.deployment.chain).repricing
    priced = {category.price for category in market.categories.values() if category.price is not None}
    seen_in_categories = 0
    for account, seen in sight.positions:
        found = sight.watched.adapter.health(market, account, careful)
        assert isinstance(found, Measured)
        assert isinstance(seen.health, Measured)
        assert seen.collateral_base is not None
        assert found.factor_wad_down * 1_000 <= seen.health.factor_wad_down * 991 or seen.collateral_base < 10**6
        seen_in_categories += any(leg.node in priced for leg in seen.legs)
    assert seen_in_categories > 10 or not priced
