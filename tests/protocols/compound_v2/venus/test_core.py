"""Every account of the real core pool, at many moments of a random history, against the real contracts."""

from collections import Counter
from dataclasses import replace

import pytest

from monitor.domain.health import Measured
from monitor.ledger.accounts import Account
from monitor.protocols.compound_v2.health import debt_of, health_of, priced, stakes_of
from monitor.protocols.compound_v2.liquidation import LIQUIDATOR_FUNCTION, pairs
from monitor.protocols.compound_v2.market import MINTED, Market, as_accrued, as_liquidated, as_stored
from monitor.protocols.compound_v2.math import owed_raw
from tests.devnet.chain.codec import calldata
from tests.devnet.venus.core import liquidator_contract
from tests.devnet.venus.pool import LIQUIDATE, LIQUIDATOR
from tests.length import Bounded
from tests.protocols.compound_v2.recorded import ADAPTER, interest_of, standing_of
from tests.protocols.compound_v2.venus.acting import Acting
from tests.protocols.compound_v2.venus.folding import folded_through
from tests.protocols.compound_v2.venus.watched import Found, Watched, liquidity, no_stake

pytestmark = pytest.mark.devnet

BLOCKS, APART = 120, 8
DONE = {
    *("mint", "redeem", "borrow", "repay", "repay all", "repay for another", "transfer", "enter", "exit", "accrue"),
    *("liquidate", "mint VAI", "repay VAI", "liquidate VAI", "choose a pool"),
}
LIQUIDATE_VAI = "liquidateVAI(address,uint256,address)"
TOO_MUCH = {"LIQUIDATE_SEIZE_TOO_MUCH", "VAI_LIQUIDATE_SEIZE_TOO_MUCH"}


def test_every_account_is_judged_as_the_contracts_do_at_many_moments_of_a_history(
    core: Watched, bounded: Bounded
) -> None:
    acting, found, market = Acting(core, seed=4), Found(), core.market()
    for number in range(bounded(BLOCKS)):
        acting.block()
        if number % APART:
            continue
        if number in (bounded(9 * APART), bounded(12 * APART)):
            core.pool.break_down(core.pool.vtokens[5], is_broken=number == bounded(9 * APART))
        market = core.again(market)
        compared(core, market, found)
        with core.chain.undone():
            fallen(core, number)
            compared(core, core.again(market), found)
    print(found.counts, acting.done, acting.refused)
    assert found.mismatches == []
    assert min(found.counts["liquidity"], found.counts["single"]) >= bounded(2_000)
    assert min(found.counts["succeeds"], found.counts["refused"], found.counts["VAI"]) >= bounded(50)
    assert found.counts["of another pool"] >= bounded(200)
    assert acting.done.keys() <= DONE
    assert len(acting.done) >= len(DONE) - 1


def fallen(watched: Watched, number: int) -> None:
    """Half of the prices fall by up to half."""
    for place, one in enumerate(watched.pool.vtokens):
        if (number + place) % 2:
            watched.pool.scale(one, 500_000 + 70_000 * place)


def compared(watched: Watched, market: Market, found: Found) -> None:
    """Hold the pool and everyone in it against the contracts."""
    accounts = list(watched.accounts(market))
    view = priced(as_stored(market))
    says = watched.pool.liquidities(watched.pool.people)
    for account, answer in zip(accounts, says, strict=True):
        truth = None if isinstance(answer, str) or answer[0] else answer
        found.same("liquidity", truth, liquidity(view, account), account.key)
        found.counts["unknown"] += truth is None
        found.counts["of another pool"] += account.category > 0
    debts(watched, market, accounts, found)
    liquidations(watched, market, accounts, found)


def debts(watched: Watched, market: Market, accounts: list[Account], found: Found) -> None:
    for listed in market.listed.values():
        if listed.place == MINTED:
            continue
        truth = watched.pool.snapshots(watched.vtoken(listed), watched.pool.people)
        for account, (_, held, owed, rate) in zip(accounts, truth, strict=True):
            stake = {s.place: s for s in stakes_of(account)}.get(listed.place, no_stake(listed.place))
            if stake.held is not None:
                found.same("held", held, stake.held, account.key)
            debt = owed_raw(stake.principal_raw, stake.at_index, interest_of(listed).borrow_index)
            found.same("owed", owed, debt, account.key)
            found.same("rate", rate, interest_of(listed).exchange_rate_wad, account.key)
    controller, stored = watched.pool.extras["controller"], as_stored(market).minted
    assert stored is not None
    signature = "getVAIRepayAmount(address)(uint256)"
    truth = watched.chain.views([(controller, signature, account.key) for account in accounts])
    for account, minted_raw in zip(accounts, truth, strict=True):
        debt = next((debt_of(s, standing_of(stored)) for s in stakes_of(account) if s.place == MINTED), 0)
        found.same("VAI", minted_raw, debt, account.key)


def liquidations(watched: Watched, market: Market, accounts: list[Account], found: Found) -> None:
    """One pair of everyone, at the most that we think can be repaid and one unit more."""
    calls, expected, whose = [], [], []
    for account in accounts:
        stakes = stakes_of(account)
        owing, holding = [s for s in stakes if s.principal_raw], [s for s in stakes if s.held]
        if not owing or not holding:
            continue
        debt, held = owing[0].place, holding[-1].place
        view = priced(as_liquidated(market, debt, held))
        health = health_of(view, account)
        is_past = isinstance(health, Measured) and health.is_past_line
        ours = [p for p in pairs(view, account, is_past_line=is_past) if _places(p) == (debt, held)]
        most = ours[0].most_raw if ours else 1
        for repaid_raw, goes in ((most, bool(ours) and most > 0), (most + 1, False)):
            target, collateral = (market.listed[place].asset.ctoken.address for place in (debt, held))
            signature = LIQUIDATE_VAI if debt == MINTED else LIQUIDATE
            calls.append((target, calldata(signature, account.key, repaid_raw, collateral)))
            expected.append(goes)
            whose.append((account.key, debt, held, repaid_raw))
    for end, goes, who in zip(watched.pool.ended(calls), expected, whose, strict=True):
        went = end.startswith("0x") and not int(end[:66], 16)
        found.same("single", went, goes, (who, end))
        found.counts["succeeds" if went else "refused"] += 1
        found.counts["seize too much"] += end in TOO_MUCH


def _places(pair):
    return pair.debt.place, pair.collateral.place


def next_block(watched: Watched, market: Market) -> Market:
    listed = {place: replace(one, now=one.now + 1) for place, one in market.listed.items()}
    return as_accrued(replace(market, listed=listed))


@pytest.mark.parametrize("fall_ppm", [800_000, 550_000])
@pytest.mark.parametrize("by_contract", [False, True])
def test_real_liquidations_take_what_was_offered(core: Watched, fall_ppm: int, *, by_contract: bool) -> None:
    pool, taken = core.pool, Counter[str]()
    contract = liquidator_contract(pool) if by_contract else ""
    core.chain.mine(500)
    for symbol in ("WETH", "WBTC", "USDC"):
        pool.scale(pool.of(symbol), fall_ppm)
    market = core.market()
    assert (market.liquidator is not None) is by_contract
    for account in core.accounts(market):
        seen, quote = ADAPTER.assess(market, account), ADAPTER.quote(market, account)
        assert (quote is not None) <= seen.is_liquidatable_now
        if quote is None:
            continue
        with core.chain.undone():
            offered = ADAPTER.quote(next_block(core, market), account)
            assert offered is not None
            if by_contract:
                assert (offered.target, offered.function) == (contract.lower(), LIQUIDATOR_FUNCTION)
            tokens = offered.collateral.address, offered.debt.address
            before = [balance(core, token) for token in tokens]
            arguments = [int(one) if one.isdigit() else one for one in offered.arguments]
            core.chain.send(offered.target, offered.function, *arguments, sender=LIQUIDATOR)
            got, paid = (balance(core, token) - was for token, was in zip(tokens, before, strict=True))
            assert got == offered.collateral_to_liquidator_raw, offered
            assert -paid == offered.debt_to_cover_raw, offered
            taken[f"{offered.function} of {'VAI' if offered.debt.symbol == 'VAI' else 'a vToken'}"] += 1
    print(fall_ppm, by_contract, taken)
    assert len(taken) == (2 if fall_ppm < 600_000 else len(taken))
    assert taken.total() >= 6


def balance(watched: Watched, token: str) -> int:
    return int(watched.chain.view(token, "balanceOf(address)(uint256)", LIQUIDATOR))


def test_events_rebuild_what_reads_find_through_a_history_with_pools_and_vai(core: Watched, bounded: Bounded) -> None:
    counts = folded_through(core, seed=21, blocks=bounded(110))
    print(counts)
    assert counts["folded"] > bounded(50)
    assert counts["liquidated"] >= bounded(3)


def test_the_comparison_with_the_contract_finds_nothing(core: Watched) -> None:
    core.chain.mine(300)
    assert core.node.read(ADAPTER.compare(core.deployment, core.key, core.keys)) == ()


def test_the_remedy_of_a_minted_debt_is_what_repaying_it_leaves(core: Watched) -> None:
    controller, checked = core.pool.extras["controller"], 0
    core.chain.mine(500)
    market = core.market()
    for account in core.accounts(market):
        legs = [leg for leg in ADAPTER.assess(market, account).legs if leg.token.symbol == "VAI"]
        held = int(core.chain.view(core.pool.extras["vai"], "balanceOf(address)(uint256)", account.key))
        if not legs:
            continue
        for part in (3, 17):
            amount = min(legs[0].amount_raw // part, held)
            with core.chain.undone():
                ahead = next_block(core, market)
                ours = ADAPTER.adjusted(ahead, account, legs[0], amount)
                core.chain.send(controller, "repayVAI(uint256)", amount, sender=account.key)
                after = core.account(core.again(market), account.key)
                assert ours == after
                checked += 1
    assert checked >= 10


def test_a_paused_protocol_stands_as_a_blocker(core: Watched) -> None:
    pool = core.pool
    pool.scale(pool.of("USDC"), 600_000)
    pool.scale(pool.of("WETH"), 600_000)
    market = core.market()
    past = [a.key for a in core.accounts(market) if ADAPTER.assess(market, a).is_liquidatable_now]
    pool.send("_setProtocolPaused(bool)", True)  # the contract's
    paused = core.again(market)
    for account in core.accounts(paused, past):
        seen = ADAPTER.assess(paused, account)
        assert seen.is_insolvent
        assert seen.blockers == ("protocol paused",)
        assert ADAPTER.quote(paused, account) is None
    fold = ADAPTER.fold(market, paused, lambda _: None, core.logs(ADAPTER.interests(market), market.at.number + 1))
    assert {(change.field, change.log is not None) for change in fold.changed} == {("liquidation stopped", True)}
    assert past
