"""Every account of a real isolated pool, at many moments of a random history, against the real contracts."""

import pytest

from monitor.domain.health import Measured
from monitor.domain.prices import Unknown
from monitor.ledger.accounts import Account
from monitor.protocols.compound_v2.health import collateral_of, health_of, priced, stakes_of
from monitor.protocols.compound_v2.liquidation import pairs
from monitor.protocols.compound_v2.market import Market, as_liquidated, as_stored
from monitor.protocols.compound_v2.math import owed_raw
from monitor.protocols.compound_v2.variants import batch
from tests.devnet.chain.codec import calldata
from tests.devnet.venus.pool import LIQUIDATE
from tests.length import Bounded
from tests.protocols.compound_v2.recorded import ADAPTER, interest_of, standing_of
from tests.protocols.compound_v2.venus.acting import Acting
from tests.protocols.compound_v2.venus.watched import Found, Watched, liquidity, no_stake

pytestmark = pytest.mark.devnet

BLOCKS, APART = 120, 8
DONE = {
    *("mint", "redeem", "borrow", "repay", "repay all", "repay for another", "transfer", "enter", "exit", "accrue"),
    *("liquidate", "heal"),
}
HEALED = "0x"


def test_every_account_is_judged_as_the_contracts_do_at_many_moments_of_a_history(
    isolated: Watched, bounded: Bounded
) -> None:
    acting, found, market = Acting(isolated, seed=3), Found(), isolated.market()
    for number in range(bounded(BLOCKS)):
        acting.block()
        if number % APART:
            continue
        if number in (bounded(9 * APART), bounded(12 * APART)):
            isolated.pool.break_down(isolated.pool.vtokens[5], is_broken=number == bounded(9 * APART))
        market = isolated.again(market)
        compared(isolated, market, found)
        with isolated.chain.undone():
            fallen(isolated, number)
            compared(isolated, isolated.again(market), found)
    print(found.counts, acting.done, acting.refused)
    assert found.mismatches == []
    assert min(found.counts["liquidity"], found.counts["single"], found.counts["healing"]) >= bounded(2_000)
    assert min(found.counts["succeeds"], found.counts["InsufficientShortfall"], found.counts["small"]) >= bounded(30)
    assert acting.done.keys() <= DONE
    assert len(acting.done) >= len(DONE) - 1


def compared(watched: Watched, market: Market, found: Found) -> None:
    """Hold the pool and everyone in it against the contracts."""
    accounts = list(watched.accounts(market))
    stored_values(watched, market, accounts, found)
    views(watched, market, accounts, found)
    single_liquidations(watched, market, accounts, found)
    healings(watched, market, accounts, found)


def fallen(watched: Watched, number: int) -> None:
    """Half of the prices fall by up to half."""
    for place, one in enumerate(watched.pool.vtokens):
        if (number + place) % 2:
            watched.pool.scale(one, 500_000 + 70_000 * place)


def stored_values(watched: Watched, market: Market, accounts: list[Account], found: Found) -> None:
    """vTokens, debts and exchange rates by stored interest are the views'; by booked interest, what booking makes."""
    for listed in market.listed.values():
        truth = watched.pool.snapshots(watched.vtoken(listed), watched.pool.people)
        for account, (_, held, owed, rate) in zip(accounts, truth, strict=True):
            stake = {s.place: s for s in stakes_of(account)}.get(listed.place, no_stake(listed.place))
            if stake.held is not None:
                found.same("held", held, stake.held, account.key)
            debt = owed_raw(stake.principal_raw, stake.at_index, interest_of(listed).borrow_index)
            found.same("owed", owed, debt, account.key)
            found.same("rate", rate, interest_of(listed).exchange_rate_wad, account.key)


def views(watched: Watched, market: Market, accounts: list[Account], found: Found) -> None:
    view = priced(as_stored(market))
    for account, says in zip(accounts, watched.pool.liquidities(watched.pool.people), strict=True):
        ours = liquidity(view, account)
        found.same("liquidity", says if not isinstance(says, str) else None, ours, account.key)
        found.counts["unknown"] += ours is None
    with watched.chain.undone():
        now = watched.chain.head().timestamp_s
        for one in watched.pool.vtokens:
            watched.chain.rpc.request("evm_setNextBlockTimestamp", hex(now))
            watched.chain.send(one.address, "accrueInterest()")
        if all(listed.asset.counts_seconds for listed in market.listed.values()):
            booked = watched.again(market)
            for place, listed in market.listed.items():
                found.same("booked", interest_of(booked.listed[place]).standing, standing_of(listed), place)
            for account, says in zip(accounts, watched.pool.liquidities(watched.pool.people), strict=True):
                ours = liquidity(priced(market), account)
                found.same("accrued liquidity", says if not isinstance(says, str) else None, ours, account.key)


def single_liquidations(watched: Watched, market: Market, accounts: list[Account], found: Found) -> None:
    """The best of the pairs of everyone, at the most that we think can be repaid and one unit more."""
    calls, expected, whose = [], [], []
    for account in accounts:
        stakes = stakes_of(account)
        owing, holding = [s for s in stakes if s.principal_raw], [s for s in stakes if s.held]
        if not owing or not holding:
            continue
        debt, held = owing[-1].place, holding[0].place
        view = priced(as_liquidated(market, debt, held))
        says, most = _expected(view, account, debt, held)
        for repaid_raw, end in ((most, says), (most + 1, _beyond(says))):
            ctoken, collateral = (market.listed[place].asset.ctoken.address for place in (debt, held))
            calls.append((ctoken, calldata(LIQUIDATE, account.key, repaid_raw, collateral)))
            expected.append(end)
            whose.append((account.key, repaid_raw))
    for end, says, who in zip(watched.pool.ended(calls), expected, whose, strict=True):
        ended = "succeeds" if end.startswith("0x") else end
        found.same("single", True, ended in says, (who, ended, says))
        found.counts[ended] += 1


def _expected(view, account, debt, held):
    """How a liquidation ends, and the largest repayment that we think goes through."""
    health, worth = health_of(view, account), collateral_of(view, account)
    is_past = isinstance(health, Measured) and health.is_past_line
    found = [p for p in pairs(view, account, is_past_line=True) if (p.debt.place, p.collateral.place) == (debt, held)]
    if liquidity(view, account) is None:
        return {"no price"}, 1
    if not isinstance(worth, Unknown) and worth <= view.market.min_collateral:
        return {"MinimalCollateralViolated"}, 1
    if not is_past:
        return {"InsufficientShortfall"}, 1
    if not found or not found[0].most_raw:
        return {"LiquidateCloseAmountIsZero", "TooMuchRepay"}, 0
    return {"succeeds"}, found[0].most_raw


def _beyond(says):
    if says == {"succeeds"}:
        return {"TooMuchRepay", "LIQUIDATE_SEIZE_TOO_MUCH"}
    return says | {"TooMuchRepay"} if "LiquidateCloseAmountIsZero" in says else says


def healings(watched: Watched, market: Market, accounts: list[Account], found: Found) -> None:
    """Healing books all interest first, so that its predicate is that of our own convention."""
    view = priced(market)
    ends = watched.pool.ended([(market.comptroller, calldata("healAccount(address)", a.key)) for a in accounts])
    for account, end in zip(accounts, ends, strict=True):
        health, is_small = health_of(view, account), batch.is_small(view, account)
        is_past = isinstance(health, Measured) and health.is_past_line
        if liquidity(view, account) is None:
            says = "no price"
        elif not is_small:
            says = "CollateralExceedsThreshold"
        elif not is_past:
            says = "InsufficientShortfall"
        else:
            says = "healed" if batch.is_healed(view, account) else "CollateralExceedsThreshold"
            found.counts["small"] += 1
            assert ADAPTER.assess(market, account).is_liquidatable_now
        found.same("healing", says, "healed" if end.startswith("0x") else end, account.key)
        found.counts[f"heal: {says}"] += 1
