"""What logs tell of an ilk: who can owe, what folding knows, liquidations and changed parameters."""

from dataclasses import replace

import pytest

from monitor.adapter import Liquidated
from monitor.domain.ids import Address, MarketKey, PositionKey
from monitor.errors import DecodeError
from monitor.protocols.maker.events import _BARK, FORK, FROB, GIVE, GRAB
from monitor.protocols.maker.owners import urn_of as urn_of_vault
from monitor.query import Log
from tests.protocols.maker.made import AT, CLIP, DOG, GEM, ILK, MANAGER, RAD, VAT, ilk_of, urn
from tests.protocols.maker.recorded import ADAPTER, DEPLOYMENT, ILKS, moments

ALICE, BOB = PositionKey("0x" + "a1" * 20), PositionKey("0x" + "b0" * 20)
OTHER = MarketKey("0x" + b"OTHER-A".hex().ljust(64, "0"))


def word(value):
    return int(value, 16).to_bytes(32) if isinstance(value, str) else value.to_bytes(32, signed=value < 0)


def note(topic, ilk, *arguments, address=VAT):
    """The log of a noted function: its selector and first arguments as topics, its calldata as data."""
    words = [bytes.fromhex(ilk[2:]), *map(word, arguments)]
    calldata = (bytes.fromhex(topic[2:10]) + b"".join(words)).ljust(224, b"\0")
    topics = (topic, *("0x" + one.hex() for one in words[:3]))
    return Log(address, topics, word(32) + word(224) + calldata, AT.number, AT.hash, 0, "0x01")


def frob(key, dink, dart, ilk=ILK, topic=FROB):
    return note(topic, ilk, key, key, key, dink, dart)


def give(cdp, address=MANAGER):
    topics = (GIVE, "0x" + word(ALICE).hex(), "0x" + word(cdp).hex(), "0x" + word(BOB).hex())
    return Log(address, topics, b"", AT.number, AT.hash, 0, "0x01")


def folded(*logs, accounts=(), before=None, after=None):
    known = {account.key: account for account in accounts}
    market = after or ilk_of()
    return ADAPTER.fold(before or market, market, known.get, logs)


def test_frobs_grabs_and_forks_are_known_to_the_last_unit():
    found = folded(
        frob(ALICE, 5, -3),
        frob(ALICE, 1_000, 1_000, ilk=OTHER),
        frob(BOB, -7, 0),
        note(FORK, ILK, ALICE, BOB, 10, 20),
        frob(ALICE, -95, -177, topic=GRAB),
        accounts=(urn(100, 200, ALICE), urn(50, 0, BOB)),
    )
    assert found.put == (urn(0, 0, ALICE), urn(53, 20, BOB))
    assert found.reread == ()


def test_an_urn_appears_with_its_first_debt_and_not_with_collateral_alone():
    assert folded(frob(ALICE, 10, 0)).reread == ()
    for log in (frob(ALICE, 10, 5), note(FORK, ILK, BOB, ALICE, 1, 1), note(FORK, ILK, ALICE, BOB, -1, -1)):
        found = folded(log)
        assert found.reread == found.appeared == (ALICE,)
        assert ADAPTER.discovered([log]) == (ALICE,)
    assert ADAPTER.discovered([frob(ALICE, 10, 0), frob(BOB, 0, -5)]) == ()


def test_a_log_that_contradicts_what_is_known_has_the_urn_read_again():
    found = folded(frob(ALICE, -101, 0), accounts=(urn(100, 200, ALICE),))
    assert (found.put, found.reread, found.appeared) == ((), (ALICE,), ())


def test_a_vault_that_is_given_away_is_read_again_for_its_owner():
    key = PositionKey(urn_of_vault(MANAGER, 300))
    assert folded(give(300), accounts=(urn(1, 1, key),)).reread == (key,)
    assert folded(give(300)).reread == ()
    assert folded(give(300, address=DOG), accounts=(urn(1, 1, key),)).reread == ()
    assert ADAPTER.touched(ilk_of(), [give(300)]) == (key,)


def test_a_log_of_the_wrong_form_is_refused():
    whole = frob(ALICE, 1, 1)
    for data in (whole.data[:-100], whole.data[:64] + b"\0" * 224, b""):
        with pytest.raises(DecodeError, match="expected its calldata"):
            folded(replace(whole, data=data))


def test_the_logs_of_other_contracts_and_ilks_touch_nobody():
    assert ADAPTER.touched(ilk_of(), [frob(ALICE, 1, 1, ilk=OTHER), replace(frob(ALICE, 1, 1), address=DOG)]) == ()
    assert folded(replace(frob(ALICE, 1, 1), address=DOG)).reread == ()


def test_a_bark_is_told_with_what_it_took_and_the_contract_that_auctions_it():
    data = b"".join(map(word, (7 * 10**18, 5, 9 * RAD, CLIP)))
    topics = (_BARK.topic, ILK, "0x" + word(ALICE).hex(), "0x" + word(1).hex())
    log = Log(DOG, topics, data, AT.number, AT.hash, 0, "0x01")
    (told,) = folded(log).liquidated
    assert (told.key, told.collateral, told.seized_raw) == (ALICE, GEM, 7 * 10**18)
    assert (told.repaid_raw, told.liquidator) == (9 * 10**18, CLIP)
    assert folded(replace(log, topics=(_BARK.topic, OTHER, *topics[2:]))).liquidated == ()


def test_the_recorded_barks_are_the_ones_told():
    last = moments()[-1]
    told: dict[tuple[str, PositionKey], Liquidated] = {}
    for name, key in ILKS.items():
        market = last.read(ADAPTER.market(DEPLOYMENT, key))
        logs = last.logs(ADAPTER.interests(market), 0)
        told |= {(name, one.key): one for one in ADAPTER.fold(market, market, lambda _: None, logs).liquidated}
    assert {name for name, _ in told} == {"ETH-A", "LINK-A"}
    assert all(one.seized_raw and one.repaid_raw for one in told.values())


def test_changed_parameters_are_found_and_matter_to_whoever_owes():
    before = ilk_of()
    room = replace_room(before)
    after = replace(
        before,
        mat_ray=before.mat_ray + 1,
        auctions=replace(before.auctions, stopped=3, room=room, tip_rad=1),
        stored=replace(before.stored, dust_rad=5, line_rad=1),
        layout=replace(before.layout, pip=replace(before.layout.pip, address=Address("0x" + "77" * 20))),
    )
    changed = folded(before=before, after=after).changed
    fields = {one.field: ADAPTER.bears_on(after, one, urn(1, 1)) for one in changed}
    assert fields == {
        "mat_ray": True,
        "stopped": True,
        "ilk_hole_rad": True,
        "tip_rad": False,
        "dust_rad": True,
        "line_rad": False,
        "price source": True,
    }
    assert not any(ADAPTER.bears_on(after, one, urn(1, 0)) for one in changed)
    assert folded(before=before, after=before).changed == ()


def replace_room(market):
    return market.auctions.room._replace(ilk_hole_rad=1)
