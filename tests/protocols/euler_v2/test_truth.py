"""Every recorded account at every recorded block is what the contracts said, to the last unit."""

from collections import Counter

from eth_utils.crypto import keccak

from monitor.domain.health import Measured, NoDebt, Unmeasurable
from monitor.domain.ids import Address, PositionKey
from monitor.domain.prices import Unknown
from monitor.protocols.euler_v2.health import Sums, as_borrowing, health_of, owed_raw, priced, sums_of
from monitor.protocols.euler_v2.liquidation import NOTHING, Taken, blockers, most
from tests.protocols.euler_v2.recorded import ADAPTER, DEPLOYMENT, FAMILY_OF_THREE, RECORDING, moments, pages

ERRORS = {
    "0x" + keccak(text=f"{name}()")[:4].hex(): name
    for name in ("E_MinYield", "E_SelfLiquidation", "E_BadCollateral", "E_LiquidationCoolOff", "E_OperationDisabled")
}


def test_both_sides_of_health_are_the_contracts_for_liquidating_and_for_borrowing():
    counts = Counter[tuple[str, str]]()
    for page in pages():
        view = priced(page.market)
        for account, truth in page.spoken:
            for convention, seen in (("liquidation", view), ("borrow", as_borrowing(view))):
                ours, theirs = sums_of(seen, account), truth[convention]
                if "error" in theirs:
                    assert isinstance(ours, Unknown), truth
                    counts[convention, "reverts"] += 1
                else:
                    assert ours == Sums(int(theirs["collateral_value"]), int(theirs["liability_value"])), truth
                    counts[convention, "answers"] += 1
            assert str(owed_raw(page.market, account)) == truth["debt"]
            assert account.owner == truth["owner"]
    print(counts)
    assert counts == {
        ("liquidation", "answers"): 160,
        ("liquidation", "reverts"): 18,
        ("borrow", "answers"): 160,
        ("borrow", "reverts"): 18,
    }


def test_health_is_the_contracts_verdict_and_equality_is_past_the_line():
    counts = Counter[str]()
    for page in pages():
        for account, truth in page.spoken:
            health, said = health_of(priced(page.market), account), truth["liquidation"]
            if truth["debt"] == "0":
                assert health == NoDebt()
                counts["no debt"] += 1
            elif "error" in said:
                assert isinstance(health, Unmeasurable)
                counts["unknown"] += 1
            else:
                assert isinstance(health, Measured)
                assert health.is_past_line is (int(said["collateral_value"]) <= int(said["liability_value"]))
                counts["past the line" if health.is_past_line else "safe"] += 1
                counts["equal"] += health.numerator == health.denominator
    print(counts)
    assert counts["equal"] == 3
    assert counts["past the line"] >= 30
    assert counts["safe"] >= 60
    assert counts["unknown"] >= 10


def test_what_a_liquidation_takes_of_each_collateral_is_what_the_contract_answers():
    counts = Counter[tuple[str, bool]]()
    for page in pages():
        view = priced(page.market)
        for account, truth in page.spoken:
            for vault, theirs in truth["check_liquidation"].items():
                place = page.market.place_of(Address(vault))
                if place is None:
                    counts[ERRORS[theirs["error"]["selector"]], False] += 1
                    continue
                ours, stands_against = most(view, account, place), blockers(view, account)
                is_liquidator = account.key == RECORDING.deployment["liquidators"][page.market.key]
                if "max_repay" in theirs:
                    assert ours == Taken(int(theirs["max_repay"]), int(theirs["max_yield"])), truth
                    counts["amounts", ours != NOTHING] += 1
                elif isinstance(ours, Unknown) and not is_liquidator:
                    counts["unknown", False] += 1
                else:
                    name = ERRORS[theirs["error"]["selector"]]
                    assert (name == "E_SelfLiquidation") is is_liquidator
                    assert any("cool-off" in one for one in stands_against) is not is_liquidator
                    counts[name, False] += 1
                attempt = theirs["liquidate_max_min_yield_1"]
                would = isinstance(ours, Taken) and ours.shares > 0 and not stands_against
                assert attempt["succeeds"] is would, truth
    print(counts)
    assert counts["amounts", True] == 65
    assert counts["amounts", False] == 172
    assert counts["unknown", False] == 36
    assert counts["E_LiquidationCoolOff", False] == 1
    assert counts["E_SelfLiquidation", False] == 129
    assert counts["E_BadCollateral", False] == 3


def test_a_quote_is_the_best_of_what_the_contract_would_give_and_there_is_none_where_it_refuses():
    quoted, refused = 0, Counter[tuple[str, ...]]()
    for page in pages():
        for account, truth in page.spoken:
            seen, quote = ADAPTER.assess(page.market, account), ADAPTER.quote(page.market, account)
            assert (quote is not None) is seen.is_liquidatable_now
            gains = [one for one in truth["check_liquidation"].values() if one["liquidate_max_min_yield_1"]["succeeds"]]
            assert bool(gains) is (quote is not None and quote.collateral_to_liquidator_raw > 0), truth
            if quote is not None:
                theirs = truth["check_liquidation"][quote.collateral.address]
                assert (str(quote.debt_to_cover_raw), str(quote.collateral_to_liquidator_raw)) == (
                    theirs["max_repay"],
                    theirs["max_yield"],
                )
                quoted += 1
            elif seen.is_insolvent:
                refused[seen.blockers] += 1
    print(quoted, refused)
    assert quoted >= 30
    assert any("cool-off" in one for reasons in refused for one in reasons)
    assert any("hooks" in one for reasons in refused for one in reasons)


def test_comparing_with_the_contract_finds_no_mismatch():
    compared = 0
    for page in pages():
        keys = [account.key for account, _ in page.spoken]
        assert page.played.read(ADAPTER.compare(DEPLOYMENT, page.market.key, keys)) == ()
        compared += len(keys)
    assert compared == 178


def test_an_owner_has_the_sub_accounts_that_a_vault_controls():
    for played in moments():
        truths = played.block.truth["accounts"]
        for key in played.read(ADAPTER.markets(DEPLOYMENT)):
            market = played.read(ADAPTER.market(DEPLOYMENT, key))
            family = {a: t["controllers"] for a, t in truths.items() if t["owner"] == FAMILY_OF_THREE}
            mine = {PositionKey(account) for account, controllers in family.items() if key in controllers}
            assert set(played.read(ADAPTER.owned(market, FAMILY_OF_THREE))) == mine
            sub_account = Address(next(account for account in family if account != FAMILY_OF_THREE))
            assert played.read(ADAPTER.owned(market, sub_account)) == ()


def test_the_recorded_prices_are_all_made_of_parts_none_is_only_asked_for():
    for page in pages():
        assert page.market.layout.opaque == frozenset()
        assert page.market.layout.sources.quoted == ()
        assert page.market.layout.foreign == ()
