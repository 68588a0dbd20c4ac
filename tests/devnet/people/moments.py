"""The same accounts at many moments: interest, slides, a dead sequencer, a crash, liquidations."""

from collections.abc import Iterator

from tests.devnet.aave.assets import RATIO_E18
from tests.devnet.aave.market import Liquidation, Market
from tests.devnet.aave.shape import HOUR_S
from tests.devnet.chain.client import Reverted
from tests.devnet.people.features import features, legs_of
from tests.devnet.people.settle import DAY_S

SLIDE_PPM = {"WETH": 820_000, "WBTC": 880_000, "LINK": 850_000, "UNI": 870_000, "ENS": 800_000, "BAL": 800_000}
DEPEG_PPM = {"rETH": 850_000, "DAI": 930_000}
RATIO_AFTER_DEPEG_E18 = RATIO_E18 * 85 // 100
CRASH_PPM = dict.fromkeys(("WETH", "WBTC", "LINK", "UNI", "ENS", "BAL", "MKR", "CRV"), 620_000)
LIQUIDATIONS = 60


def moments(market: Market) -> Iterator[str]:
    """Move the market from one named moment to the next; each builds on the one before. Use inside `chain.undone()`."""
    chain = market.chain
    yield "settled"
    chain.advance_time(30 * DAY_S)
    market.beat()
    yield "a month later"
    market.scale_prices(SLIDE_PPM)
    yield "ether slid"
    market.set_sequencer(up=False)
    chain.mine()
    yield "sequencer down"
    market.set_sequencer(up=True)
    chain.advance_time(HOUR_S // 2)
    yield "sequencer back, in its grace period"
    chain.advance_time(2 * HOUR_S)
    yield "sequencer long back"
    if market.deployed.version >= (3, 1):
        market.grant_grace("MKR", 4 * HOUR_S)
        market.grant_grace("WBTC", 4 * HOUR_S)
        yield "two reserves in their grace period"
        chain.advance_time(4 * HOUR_S + 1)
    market.scale_prices(DEPEG_PPM)
    market.set_ratio("wstETH", RATIO_AFTER_DEPEG_E18)
    yield "staked ether and a dollar off their peg"
    market.scale_prices(CRASH_PPM)
    yield "crashed"
    liquidate_some(market, LIQUIDATIONS)
    yield "liquidated"
    chain.advance_time(90 * DAY_S)
    yield "a quarter later"


def liquidate_some(market: Market, count: int) -> list[Liquidation]:
    """Liquidate up to `count` accounts, evenly over all that may be, each in its largest pair; skips refusals."""
    found = [user for user, has in features(market, market.accounts).items() if "liquidatable" in has]
    chosen = found[:: max(1, len(found) // count)][:count]
    done, prices = [], market.oracle_prices()
    for user, legs in legs_of(market, chosen).items():
        if not legs.collateral:
            continue
        held = max(legs.collateral, key=lambda s: legs.collateral[s] * prices[s] // market.reserve(s).unit)
        owed = max(legs.debts, key=lambda s: legs.debt(s) * prices[s] // market.reserve(s).unit)
        try:
            done.append(market.liquidate(user, held, owed))
        except Reverted:
            continue
    return done
