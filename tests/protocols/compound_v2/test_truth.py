"""Every recorded account at every recorded block is what the contracts said, to the last unit."""

from collections import Counter
from dataclasses import replace

from monitor.domain.health import Measured, NoDebt, Unmeasurable
from monitor.domain.prices import Unknown
from monitor.protocols.compound_v2.health import health_of, priced, stakes_of, sums_of
from monitor.protocols.compound_v2.liquidation import NOTHING_TO_SEIZE, pairs
from monitor.protocols.compound_v2.market import as_liquidated, as_stored
from monitor.protocols.compound_v2.math import owed_raw, times
from monitor.protocols.compound_v2.reading.layout import COMPTROLLER, CTOKEN
from monitor.query import Failed, ask_each
from tests.protocols.compound_v2.recorded import ADAPTER, DEPLOYMENT, interest_of, listed_in, pages, standing_of

PRICE_ERROR = 13
NO_SHORTFALL, PRICE_UNKNOWN, SEIZE_TOO_MUCH = "…0003", "…000d", "LIQUIDATE_SEIZE_TOO_MUCH"


def liquidity(view, account):
    """What getAccountLiquidity returns: an error, liquidity and shortfall."""
    sums = sums_of(view, account)
    if isinstance(sums, Unknown):
        return PRICE_ERROR, 0, 0
    return 0, max(sums.collateral - sums.debt, 0), max(sums.debt - sums.collateral, 0)


def told(truth):
    return truth["error"], int(truth["liquidity"]), int(truth["shortfall"])


def test_liquidity_and_shortfall_are_the_contracts_at_stored_and_at_accrued_interest():
    counts = Counter[str]()
    for page in pages():
        stored, accrued = priced(as_stored(page.market)), priced(page.market)
        for account in page.accounts:
            truth = page.spoken(account.key)
            assert liquidity(stored, account) == told(truth["account_liquidity_stored"]), truth["role"]
            assert liquidity(accrued, account) == told(truth["account_liquidity_all_accrued"]), truth["role"]
            error, _, shortfall = told(truth["account_liquidity_all_accrued"])
            was_short = told(truth["account_liquidity_stored"])[2] > 0
            counts["unknown" if error else f"short {was_short} -> {shortfall > 0}"] += 1
            health = health_of(accrued, account)
            assert isinstance(health, Unmeasurable | NoDebt) if error else not isinstance(health, Unmeasurable)
            assert bool(shortfall) is (isinstance(health, Measured) and health.is_past_line)
    print(counts)
    assert counts.total() == 126
    assert counts["short False -> True"] >= 3
    assert counts["unknown"] == 9
    assert min(counts["short True -> True"], counts["short False -> False"]) >= 20


def test_liquidity_is_the_contracts_when_the_interest_of_two_markets_is_booked():
    compared = 0
    for page in pages():
        for account in page.accounts:
            for truth in page.spoken(account.key)["liquidations"]:
                places = [listed_in(page, truth[one]).place for one in ("repay_market", "seize_market")]
                view = priced(as_liquidated(page.market, *places))
                assert liquidity(view, account) == told(truth["account_liquidity_pair_accrued"])
                compared += 1
    assert compared == 237


def test_indices_exchange_rates_and_totals_are_the_contracts_once_interest_is_booked():
    compared = 0
    for page in pages():
        for listed in page.market.listed.values():
            truth = page.truth["markets_after_accrual"][listed.asset.ctoken.address]
            assert str(standing_of(listed).borrow_index) == truth["borrow_index"]
            assert str(standing_of(listed).exchange_rate_wad) == truth["exchange_rate"]
            compared += 1
    assert compared == 27


def test_debts_and_ctokens_are_the_contracts_for_every_account_in_every_market():
    compared = 0
    for page in pages():
        ctokens = [listed.asset.ctoken.address for listed in page.market.listed.values()]
        for account in page.accounts:
            stakes = {stake.place: stake for stake in stakes_of(account)}
            read = [[CTOKEN[f].at(c, account.key) for c in ctokens] for f in ("borrowBalanceStored", "balanceOf")]
            current = [CTOKEN["borrowBalanceCurrent"].at(c, account.key) for c in ctokens]
            owed, held, owed_now = (page.played.read(ask_each(calls)) for calls in (*read, current))
            in_markets = page.played.read(
                ask_each([COMPTROLLER["checkMembership"].at(page.market.comptroller, account.key, c) for c in ctokens])
            )
            for i, listed in enumerate(page.market.listed.values()):
                stake = stakes.get(listed.place)
                principal, index = (stake.principal_raw, stake.at_index) if stake else (0, 0)
                assert owed_raw(principal, index, interest_of(listed).borrow_index) == owed[i]
                assert owed_raw(principal, index, standing_of(listed).borrow_index) == owed_now[i]
                assert (stake is not None and stake.held is not None) is in_markets[i]
                if stake is not None:
                    assert (stake.idle if stake.held is None else stake.held) == held[i]
                compared += 1
    assert compared == 1134


def test_every_recorded_liquidation_ends_as_ours_and_takes_what_ours_takes():
    counts = Counter[str]()
    for page in pages():
        for account in page.accounts:
            for truth in page.spoken(account.key)["liquidations"]:
                counts[_compared(page, account, truth)] += 1
    print(counts)
    assert counts.total() == 237
    assert counts["succeeds"] >= 40
    assert counts["succeeds in the chain's coin"] == 4
    assert counts["forced"] >= 2
    assert counts[SEIZE_TOO_MUCH] >= 5
    assert counts[PRICE_UNKNOWN] >= 20


def _compared(page, account, truth):
    debt, collateral = (listed_in(page, truth[one]) for one in ("repay_market", "seize_market"))
    view = priced(as_liquidated(page.market, debt.place, collateral.place))
    health = health_of(view, account)
    is_past = isinstance(health, Measured) and health.is_past_line
    repaid_raw, did = int(truth["repay_amount"]), truth["liquidate"]
    assert repaid_raw == times(page.market.close_factor_wad, int(truth["borrow_balance_accrued"]))
    found = [
        pair
        for pair in pairs(view, account, is_past_line=is_past or debt.is_forced)
        if (pair.debt.place, pair.collateral.place) == (debt.place, collateral.place)
    ]
    seized = truth["calculate_seize_tokens"]
    for pair in found:
        assert str(pair.owed_raw) == truth["borrow_balance_accrued"]
        assert str(pair.seized(repaid_raw)) == seized["seize_tokens"]
        assert repaid_raw <= pair.allowed_raw
    if did["succeeds"]:
        (pair,) = found
        assert repaid_raw <= pair.most_raw
        if "seized_ctokens" not in did:
            return "succeeds in the chain's coin"
        assert str(pair.seized(repaid_raw)) == did["seized_ctokens"]
        cut = page.market.layout.rules.protocol_cut(
            pair.seized(repaid_raw), collateral.seize_share_wad, pair.incentive_wad
        )
        assert str(pair.seized(repaid_raw) - cut) == did["received_by_liquidator"]
        assert str(pair.owed_raw - repaid_raw) == did["borrow_after"]
        return "succeeds" if is_past else "forced"
    reason = bytes.fromhex(did["revert"]["data"][2:])
    if SEIZE_TOO_MUCH.encode() in reason:
        assert all(repaid_raw > pair.most_raw for pair in found)
        assert is_past
        return SEIZE_TOO_MUCH
    assert not is_past
    if reason[-1] == PRICE_ERROR:
        assert isinstance(health, Unmeasurable)
        return PRICE_UNKNOWN
    assert not debt.is_forced
    return NO_SHORTFALL


def test_whoever_a_recorded_call_could_liquidate_is_liquidatable_now_and_has_a_quote():
    counts = Counter[str]()
    for page in pages():
        for account in page.accounts:
            truth, seen = page.spoken(account.key), ADAPTER.assess(page.market, account)
            quote = ADAPTER.quote(page.market, account)
            assert (quote is not None) <= seen.is_liquidatable_now
            if any(one["liquidate"]["succeeds"] for one in truth["liquidations"]):
                assert seen.is_liquidatable_now
                counts["liquidatable"] += 1
                counts["forced"] += seen.forced and not seen.is_insolvent
            elif not seen.is_insolvent:
                assert not seen.is_liquidatable_now
            counts["nothing to seize"] += seen.blockers == (NOTHING_TO_SEIZE,)
            if quote is not None:
                assert quote.arguments[0] == account.key
                counts["quoted"] += 1
    print(counts)
    assert counts["liquidatable"] >= 20
    assert counts["forced"] == 2


def test_whoever_is_in_a_market_without_a_price_is_unknown_and_only_they():
    hidden = 0
    for page in pages():
        broken = {p.node for p in page.market.prices if not p.value}
        for account in page.accounts:
            touches = any(
                stake.held is not None and page.market.listed[stake.place].asset.node in broken
                for stake in stakes_of(account)
            )
            health = ADAPTER.health(page.market, account)
            owes = any(stake.principal_raw for stake in stakes_of(account))
            assert isinstance(health, Unmeasurable) is (touches and owes)
            hidden += isinstance(health, Unmeasurable)
    assert hidden == 9


def test_a_ctoken_whose_view_fails_is_unknown_and_the_others_are_read():
    for page in pages():
        for listed in page.market.listed.values():
            call = CTOKEN["getCash"].at(listed.asset.ctoken.address).question
            broken = replace(page.played, overridden={(call.to, call.data): Failed("it reverts")})
            market = broken.read(ADAPTER.market(DEPLOYMENT, page.market.key))
            unknown = [one.place for one in market.listed.values() if isinstance(one.standing, Unknown)]
            assert unknown == [listed.place]
            for account in page.accounts:
                health = ADAPTER.health(page.market, account)
                inside = any(stake.place == listed.place and stake.held is not None for stake in stakes_of(account))
                if inside and any(stake.principal_raw for stake in stakes_of(account)):
                    assert isinstance(ADAPTER.health(market, account), Unmeasurable)
                else:
                    assert ADAPTER.health(market, account) == health


def test_comparing_with_the_contract_finds_no_mismatch():
    for page in pages():
        keys = [account.key for account in page.accounts]
        assert page.played.read(ADAPTER.compare(DEPLOYMENT, page.market.key, keys)) == ()


def test_symbols_of_either_encoding_and_the_chains_own_coin_are_read():
    page = next(iter(pages()))
    symbols = [(one.asset.ctoken.symbol, one.asset.underlying.symbol) for one in page.market.listed.values()]
    assert ("cSAI", "SAI") in symbols
    assert symbols[0] == ("cETH", "ETH")
    assert [one.asset.is_native for one in page.market.listed.values()] == [True, *[False] * 8]
    answers = page.played.block.calls
    selector = bytes.fromhex("95d89b41")
    short = [a for (_, data), a in answers.items() if data == selector and not isinstance(a, Failed) and len(a) == 32]
    assert short
