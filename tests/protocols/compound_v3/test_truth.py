"""Every recorded account at every recorded block is what the contracts said, to the last unit."""

from collections import Counter

from eth_utils.crypto import keccak

from monitor.domain.health import Measured, NoDebt, Unmeasurable
from monitor.protocols.compound_v3.health import as_stored, debt_raw, health_of, priced
from monitor.protocols.compound_v3.liquidation import Absorption, absorption, bought_raw
from monitor.protocols.compound_v3.market import BORROWED, SUPPLIED
from monitor.protocols.compound_v3.math import present_value_down
from monitor.protocols.compound_v3.reading import COMET
from monitor.query import Failed, ask_each
from tests.protocols.compound_v3.recorded import ADAPTER, COMETS, deployment, pages

NOT_LIQUIDATABLE = "0x" + keccak(b"NotLiquidatable()")[:4].hex()
PAUSED = "0x" + keccak(b"Paused()")[:4].hex()


def verdict(health):
    """Liquidatable or not, None where it is not known."""
    return None if isinstance(health, Unmeasurable) else isinstance(health, Measured) and health.is_past_line


def test_the_predicate_is_the_contracts_at_stored_and_at_accrued_indices():
    counts = Counter[tuple[bool | None, bool | None]]()
    for page in pages():
        stored, accrued = priced(as_stored(page.market)), priced(page.market)
        for account, spoken in zip(page.accounts, page.spoken, strict=True):
            assert verdict(health_of(stored, account)) is spoken.truth["is_liquidatable_stored"], spoken
            assert verdict(health_of(accrued, account)) is spoken.truth["is_liquidatable_accrued"], spoken
            counts[spoken.truth["is_liquidatable_stored"], spoken.truth["is_liquidatable_accrued"]] += 1
    print(counts)
    assert counts.total() == 246
    assert min(counts[True, True], counts[False, False], counts[None, None]) >= 15
    assert counts[False, True] >= 2


def test_principals_indices_and_balances_are_the_contracts():
    compared = 0
    for page in pages():
        for account, spoken in zip(page.accounts, page.spoken, strict=True):
            signed = sum({BORROWED: -b.raw, SUPPLIED: b.raw}.get(b.kind, 0) for b in account.balances)
            supplied = present_value_down(max(signed, 0), page.market.indices.supply)
            assert str(signed) == spoken.truth["principal"]
            assert str(debt_raw(page.market, account)) == spoken.truth["borrow_balance_accrued"]
            assert str(supplied) == spoken.truth["supply_balance_accrued"]
            assert str(page.market.indices.borrow) == spoken.truth["accrued_base_borrow_index"]
            assert str(page.market.indices.supply) == spoken.truth["accrued_base_supply_index"]
            compared += 1
    assert compared == 246


def test_an_account_is_liquidatable_now_exactly_when_absorbing_it_succeeds():
    counts = Counter[str]()
    for page in pages():
        for account, spoken in zip(page.accounts, page.spoken, strict=True):
            seen, absorb = ADAPTER.assess(page.market, account), spoken.truth["absorb"]
            assert seen.is_liquidatable_now is absorb["succeeds"], spoken
            assert (ADAPTER.quote(page.market, account) is not None) is absorb["succeeds"], spoken
            refusal = "" if absorb["succeeds"] else absorb["revert"]["selector"]
            if refusal == NOT_LIQUIDATABLE:
                assert not seen.is_insolvent
            elif refusal == PAUSED:
                assert seen.blockers == (("absorb paused",) if seen.is_insolvent else ())
                counts["insolvent while paused"] += seen.is_insolvent
            elif refusal:
                assert isinstance(seen.health, Unmeasurable)
            counts[refusal] += 1
    print(counts)
    assert counts[""] >= 10
    assert counts["insolvent while paused"] >= 2


def test_a_broken_feed_hides_only_those_for_whom_the_contract_reads_it():
    hidden = spared = 0
    for page in pages():
        broken = {p.node for p in page.market.prices if not isinstance(p.value, int)}
        for account, spoken in zip(page.accounts, page.spoken, strict=True):
            seen = ADAPTER.assess(page.market, account)
            holds_it = any(leg.node in broken for leg in seen.legs)
            hidden += isinstance(seen.health, Unmeasurable)
            spared += holds_it and isinstance(seen.health, NoDebt)
            assert isinstance(seen.health, Unmeasurable) is (spoken.truth["is_liquidatable_stored"] is None)
    assert hidden == 19
    assert spared == 3


def test_what_an_amount_of_base_buys_is_what_the_contract_quotes():
    compared = 0
    for page in pages():
        view, comet = priced(page.market), page.market.comet
        selector = COMET["quoteCollateral"].selector
        asked = {data[16:36]: data for (to, data) in page.played.block.calls if to == comet and data[:4] == selector}
        for asset in page.market.collaterals.values():
            data = asked[bytes.fromhex(asset.token.address[2:])]
            truth = page.played.block.calls[comet, data]
            ours = bought_raw(view, asset, int.from_bytes(data[36:68], "big"))
            assert ours == int.from_bytes(truth, "big") if isinstance(truth, bytes) else not isinstance(ours, int)
            compared += 1
    assert compared == 81


def test_comparing_with_the_contract_finds_no_mismatch():
    for page in pages():
        number = COMETS.index(page.market.comet)
        read = ADAPTER.compare(deployment(number), page.market.key, [one.key for one in page.spoken])
        assert page.played.read(read) == ()


def test_every_recorded_collateral_balance_is_among_the_accounts_read():
    compared = 0
    for page in pages():
        collaterals = page.market.collaterals.values()
        for account in page.accounts:
            calls = [COMET["userCollateral"].at(page.market.comet, account.key, c.token.address) for c in collaterals]
            held = {b.asset: b.raw for b in account.balances if b.kind not in (BORROWED, SUPPLIED)}
            for collateral, truth in zip(collaterals, page.played.read(ask_each(calls)), strict=True):
                assert not isinstance(truth, Failed)
                assert held.get(collateral.place, 0) == truth[0]
                compared += 1
    assert compared == 3222


def test_an_absorption_leaves_no_debt_and_takes_all_collateral():
    seen = 0
    for page in pages():
        for account, spoken in zip(page.accounts, page.spoken, strict=True):
            if not spoken.truth["absorb"]["succeeds"]:
                continue
            taken = absorption(priced(page.market), account)
            assert isinstance(taken, Absorption)
            assert taken.base_paid_raw == debt_raw(page.market, account) + taken.balance_raw
            assert [(c.place, raw) for c, raw in taken.seized] == [
                (b.asset, b.raw) for b in account.balances if b.kind not in (BORROWED, SUPPLIED)
            ]
            seen += 1
    assert seen >= 10
