"""Joint moves and standard deviations cost searches, so that only near and asked-for positions have them."""

from collections.abc import Sequence
from dataclasses import replace

from monitor.cycle.step import NEAR_PPM, NEAR_WAD, Sight, Target, assess
from monitor.domain.ids import PositionKey
from monitor.domain.prices import PROTOCOL
from monitor.domain.row import Evaluation
from monitor.health.tiers import flat
from monitor.ledger.accounts import Account, Accounts
from monitor.pricing.repricing import Outlook
from monitor.risk.model import RiskModel
from monitor.risk.nearness import spare_ppm
from monitor.units import PPM, WAD
from tests.health.perp_book import UNIT, Book, Held
from tests.health.pool import JUDGE, account
from tests.risk.scene import MODEL, POOL, USDC, WETH

NEAR, FAR = (account({WETH: 10**18}, {USDC: dollars * 10**6}) for dollars in (900, 100))
OTHER = PositionKey("0x" + "0b" * 20)


async def evaluated(accounts: Sequence[Account], risk: RiskModel | None = MODEL, **asked: object) -> list[Evaluation]:
    columns = Accounts.of(accounts, 20)
    sight = Sight(Target(POOL.deployment, JUDGE, ()), POOL, Outlook(PROTOCOL, (), ()), columns, {}, risk)
    return [seen async for seen in assess(sight, 3 * WAD // 2, **asked)]  # type: ignore[arg-type]  # as asked


async def test_the_near_have_it_and_the_far_have_not_unless_they_are_asked_for():
    both = (NEAR, replace(FAR, key=OTHER))
    near, far = await evaluated(both)
    assert near.nearness is not None
    assert far.nearness is None
    asked = await evaluated(both, always=frozenset({OTHER}))
    assert all(seen.nearness is not None for seen in asked)
    everyone = await evaluated(both, near_wad=None)
    assert all(seen.nearness is not None for seen in everyone)


async def test_where_nobody_says_how_assets_move_it_is_not_worked_out():
    (seen,) = await evaluated((NEAR,), None)
    assert seen.nearness is None
    assert seen.liquidation_prices


def test_a_perpetual_account_is_near_by_what_it_may_lose_and_not_by_its_health():
    """With 40 % of its notional beside one per cent to keep, health is 40 and the line 39 % away."""
    book = Book(400 * UNIT, {"BTC": 1_000 * UNIT}, (Held("BTC", UNIT, 1_000 * UNIT, flat(1, 100)),))
    seen = book.assess()
    assert seen.health.numerator > 10 * seen.health.denominator  # type: ignore[union-attr]  # measured
    assert spare_ppm(seen) == 390_000
    assert NEAR_WAD == PPM * WAD // (PPM - NEAR_PPM), "the same share of a loan's collateral"
    assert spare_ppm(replace(book, cash=-UNIT).assess()) == 0
    assert spare_ppm(replace(book, held=()).assess()) is None
