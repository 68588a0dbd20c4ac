"""Every recorded urn at every recorded block is what the contracts said, to the last unit, in each convention."""

from collections import Counter
from dataclasses import replace

from monitor.domain.health import Measured
from monitor.protocols.maker.accounts import BARKS, SAFE, UNSAFE
from monitor.protocols.maker.health import after_poke, as_stored, at_next_price, health_of, priced, urn_of
from monitor.protocols.maker.liquidation import NOT_UNSAFE, auction, quote, start_price_ray
from monitor.protocols.maker.market import NO_ADDRESS
from monitor.protocols.maker.math import Auction
from monitor.protocols.maker.reading import DOG
from monitor.query import Failed
from monitor.units import RAY, div_up
from tests.protocols.maker.recorded import ADAPTER, DEPLOYMENT, pages

STORED, POKED, MOVED = "stored", "after_drip_and_poke", "after_osm_poke_drip_and_poke"
REFUSALS = {
    "Dog/not-unsafe": "not unsafe",
    "Dog/dusty-auction-from-partial-liquidation": "liquidation limit leaves room for dust only",
    "Clipper/stopped-incorrect": "auctions stopped",
}


def views_of(market):
    """The market as each variant of the truth has it."""
    following = at_next_price(market)
    views = {STORED: priced(as_stored(market)), POKED: priced(market, after_poke(market))}
    return views if following is None else views | {MOVED: priced(market, following)}


def test_a_bark_takes_what_the_auction_received_or_is_refused_for_the_contracts_reason_in_every_convention():
    counts = Counter[tuple[str, str]]()
    for page in pages():
        views = views_of(page.market)
        for account, spoken in zip(page.accounts, page.spoken, strict=True):
            assert set(spoken.truth["bark"]) == set(views)
            for variant, said in spoken.truth["bark"].items():
                taken, urn = auction(views[variant], account), urn_of(account)
                if said["succeeds"]:
                    assert isinstance(taken, Auction), spoken
                    assert str(taken.tab_rad) == said["auction_tab"]
                    assert str(taken.dink_wad) == said["auction_lot"]
                    assert str(urn.ink_wad - taken.dink_wad) == said["ink_after"]
                    assert str(urn.art_wad - taken.dart_wad) == said["art_after"]
                    counts[variant, "partial" if taken.dart_wad < urn.art_wad else "whole"] += 1
                else:
                    assert not isinstance(taken, Auction), spoken
                    assert taken.reason == REFUSALS[said["revert"]["reason"]], spoken
                    counts[variant, taken.reason] += 1
    print(counts)
    assert sum(n for (variant, _), n in counts.items() if variant == STORED) == 114
    assert sum(n for (variant, _), n in counts.items() if variant == MOVED) == 69
    assert min(counts[variant, "whole"] for variant in (STORED, POKED, MOVED)) >= 3
    assert min(counts[variant, "partial"] for variant in (STORED, POKED, MOVED)) >= 3


def test_rates_and_spots_after_drip_and_poke_are_the_contracts():
    compared = 0
    for page in pages():
        for spoken in page.spoken:
            for variant, said in spoken.truth["bark"].items():
                if "rate" not in said:
                    continue
                view = views_of(page.market)[variant]
                assert (str(view.market.rate_ray), str(view.spot_ray)) == (said["rate"], said["spot"])
                compared += 1
    assert compared > 150


def test_an_auction_starts_at_the_contracts_price():
    compared = 0
    for page in pages():
        for spoken in page.spoken:
            for variant in (STORED, POKED):
                if spoken.truth["bark"][variant]["succeeds"]:
                    assert str(start_price_ray(page.market)) == spoken.truth["bark"][variant]["auction_top"]
                    compared += 1
    assert compared > 25


def test_an_urn_is_liquidatable_now_exactly_where_a_bark_succeeds_as_stored_or_after_drip_and_poke():
    counts = Counter[str]()
    for page in pages():
        for account, spoken in zip(page.accounts, page.spoken, strict=True):
            seen, bark = ADAPTER.assess(page.market, account), spoken.truth["bark"]
            says = bark[STORED]["succeeds"] or bark[POKED]["succeeds"]
            assert seen.is_liquidatable_now is says, spoken
            offer = quote(priced(page.market), account)
            assert (offer is not None) is says
            if offer is not None and bark[POKED]["succeeds"]:
                assert offer.debt_to_cover_raw == div_up(int(bark[POKED]["auction_tab"]), RAY)
                assert str(offer.collateral_to_liquidator_raw) == bark[POKED]["auction_lot"]
            counts["now"] += says
            counts["blocked"] += seen.is_insolvent and not says
    print(counts)
    assert counts["now"] >= 20
    assert counts["blocked"] == 11


def test_owners_collateral_and_debt_are_the_contracts():
    given, owners = 0, dict[tuple[str, str], str]()
    for page in pages():
        for account, spoken in zip(page.accounts, page.spoken, strict=True):
            place, urn = (page.market.key, account.key), urn_of(account)
            assert (str(urn.ink_wad), str(urn.art_wad)) == (spoken.truth["ink"], spoken.truth["art"])
            assert account.owner == spoken.truth["owner"]
            given += owners.setdefault(place, spoken.truth["owner"]) != spoken.truth["owner"]
    assert given == 2


def test_every_urn_is_among_its_owners():
    found = 0
    for page in pages():
        for account in page.accounts:
            if account.balances:
                assert account.owner is not None
                assert account.key in page.played.read(ADAPTER.owned(page.market, account.owner))
                found += 1
    assert found > 90


def test_the_health_at_the_next_price_is_foreseen_with_the_time_from_which_it_counts():
    worse = 0
    for page in pages():
        for account, spoken in zip(page.accounts, page.spoken, strict=True):
            seen = ADAPTER.assess(page.market, account)
            feed, is_told = page.market.feed, MOVED in spoken.truth["bark"]
            assert is_told is (feed.following is not None)
            if not is_told or feed.following == feed.value or not urn_of(account).art_wad:
                assert seen.foreseen == ()
                continue
            (foreseen,) = seen.foreseen
            assert isinstance(foreseen.health, Measured)
            reason = spoken.truth["bark"][MOVED].get("revert", {}).get("reason")
            assert foreseen.health.is_past_line is (reason != "Dog/not-unsafe")
            assert (foreseen.from_s, foreseen.value) == (feed.due_s, feed.following)
            worse += foreseen.health.is_past_line and not seen.is_insolvent
    assert worse == 1


def test_the_default_is_the_worse_of_the_stored_and_the_poked_spot_at_the_dripped_rate():
    for page in pages():
        stored, default = as_stored(page.market), priced(page.market)
        poked = priced(page.market, after_poke(page.market))
        now_ray, poked_ray = priced(stored).spot_ray, poked.spot_ray
        assert isinstance(now_ray, int)
        assert isinstance(poked_ray, int)
        assert default.spot_ray == min(poked_ray, now_ray)
        assert page.market.rate_ray >= stored.rate_ray
        for account in page.accounts:
            health = health_of(default, account)
            for other in (priced(stored), poked):
                against = health_of(other, account)
                if isinstance(health, Measured) and isinstance(against, Measured):
                    assert health.factor_wad_down <= against.factor_wad_down


def test_an_ilk_without_a_price_source_counts_by_the_spot_governance_has_set_and_cannot_be_auctioned():
    for page in pages("RWA001-A"):
        (account,) = page.accounts
        view = priced(page.market)
        assert view.spot_ray == page.market.stored.spot_ray
        assert auction(view, account) == NOT_UNSAFE
        assert not isinstance(start_price_ray(page.market), int)


def test_comparing_with_the_contract_finds_no_mismatch():
    for page in pages():
        read = ADAPTER.compare(DEPLOYMENT, page.market.key, [one.key for one in page.spoken])
        assert page.played.read(read) == ()


def test_comparing_finds_a_bark_that_does_otherwise():
    page = next(iter(pages("ETH-A")))
    key, dog = page.spoken[0].key, DEPLOYMENT.roots["dog"]
    assert not page.spoken[0].truth["bark"][STORED]["succeeds"]
    calldata = DOG["bark"].calldata(page.market.ilk, key, NO_ADDRESS)
    for answer, said in ((bytes(32), BARKS), (Failed("reverted", b"Dog/liquidation-limit-hit"), UNSAFE)):
        played = replace(page.played, overridden={(dog, calldata): answer})
        (found,) = played.read(ADAPTER.compare(DEPLOYMENT, page.market.key, [key]))
        assert (found.key, found.expected, found.found) == (key, said, SAFE)
