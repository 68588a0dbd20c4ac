"""A venue followed by its own clock: prices each turn, balances in turn, and nothing unknown said as known."""

from dataclasses import replace
from decimal import Decimal

import pytest

from monitor.cycle.venues.loop import VenueLoop
from monitor.domain.alerts import AlertKind
from monitor.domain.assessment import Assessment
from monitor.domain.moment import VenueMoment
from monitor.domain.prices import PROTOCOL, Repricing
from monitor.errors import ReadError
from monitor.ledger.accounts import Account
from monitor.protocols.hyperliquid.adapter import Hyperliquid as Adapted
from monitor.protocols.hyperliquid.market import ACCOUNT, READ_AT, Market
from tests.cycle.venues.parts import DEPLOYMENT, FAR, NEAR, NOW_S, Watched, turns
from tests.faults import wire
from tests.venues.perpetual import COINS, Position, User
from tests.venues.simulator import Fault, slow

OUTAGE_S = 37 * 60


class Drifting(Adapted):
    """The adapter with equity two in a thousand lower in whatever was read from one second on."""

    off_from_s: int | None = None

    def assess(self, market: Market, account: Account, repricing: Repricing = PROTOCOL) -> Assessment:
        seen = super().assess(market, account, repricing)
        read_at_ms = next((b.raw for b in account.balances if (b.asset, b.kind) == (ACCOUNT, READ_AT)), 0)
        if seen.margin is None or seen.margin.equity_base is None:
            return seen
        if self.off_from_s is None or read_at_ms < self.off_from_s * 1000:
            return seen
        return replace(seen, margin=replace(seen.margin, equity_base=seen.margin.equity_base * 998 // 1000))


async def through(loop: VenueLoop, seconds: int) -> None:
    """Turn until that much time is over, whatever fails."""
    until_ms = loop.clock.monotonic_ms() + seconds * 1000
    while loop.clock.monotonic_ms() < until_ms:
        try:
            await loop.once()
        except ReadError:
            await loop.clock.sleep(1)


async def test_a_turn_commits_rows_levels_alerts_and_a_cursor_at_the_moment_of_the_venue(venue: Watched):
    near, far = venue.desk.add_users([NEAR, FAR])
    loop = venue.loop([near, far])
    await loop.once()
    cursor = await venue.store.cursor(DEPLOYMENT.name)
    assert cursor is not None
    assert cursor.at == VenueMoment("hyperliquid", None, NOW_S * 1000, NOW_S)
    assert ((await venue.view(near)).level, (await venue.view(far)).level) == ("CRITICAL", "OK")
    assert await venue.told() == [AlertKind.WORSENED]
    row = (await venue.view(near)).row
    assert (row["kind"], row["status"], row["exactness"]) == ("perp", "measured", "api")
    seen = loop.passes[DEPLOYMENT.name]
    assert (seen.positions, seen.accounts, seen.unmeasurable, seen.passes) == (2, 2, 0, 1)


async def test_a_price_moves_everyone_without_their_balances_being_read_and_says_that_it_is_an_estimate(venue: Watched):
    (far,) = venue.desk.add_users([FAR])
    coin = venue.desk.users[far].positions[0].coin.name
    loop = venue.loop([far])
    await turns(loop, 2)
    assert (await venue.view(far)).level == "OK"
    venue.simulator.faults.append(Fault(wire.status(500), kinds=frozenset({"clearinghouseState"})))
    venue.desk.marks[coin] *= Decimal("0.56")
    await loop.once()
    view = await venue.view(far)
    assert view.level != "OK"
    assert view.row["exactness"] == "estimate"
    (held,) = loop.desks[DEPLOYMENT.name].everyone
    assert isinstance(held.at, VenueMoment)
    assert held.at.received_s < int(str(view.row["at_time"]))


@pytest.mark.parametrize("status", [500, 503, 429])
async def test_through_an_outage_of_37_minutes_it_is_unknown_within_one_and_never_as_it_was(
    venue: Watched, status: int
):
    (near,) = venue.desk.add_users([NEAR])
    loop = venue.loop([near])
    await through(loop, 30)
    began_s = venue.clock.monotonic_ms() // 1000
    venue.simulator.faults.append(Fault(wire.status(status), until_s=began_s + OUTAGE_S))
    await through(loop, 60)
    view = await venue.view(near)
    assert (view.level, view.last_level, view.row["status"]) == ("UNKNOWN", "CRITICAL", "unmeasurable")
    await through(loop, OUTAGE_S - 70)
    assert (await venue.view(near)).level == "UNKNOWN"
    assert loop.passes[DEPLOYMENT.name].unmeasurable == 1
    told = await venue.told()
    assert told.count(AlertKind.UNKNOWN) == 1
    assert AlertKind.RECOVERED not in told
    await through(loop, 300)
    assert (await venue.view(near)).level == "CRITICAL"
    assert (await venue.told()).count(AlertKind.KNOWN_AGAIN) == 1


async def test_where_prices_go_on_and_accounts_do_not_they_are_unknown_within_a_minute(venue: Watched):
    near, far = venue.desk.add_users([NEAR, FAR])
    loop = venue.loop([near, far])
    await through(loop, 30)
    venue.simulator.faults.append(Fault(wire.status(503), kinds=frozenset({"clearinghouseState"})))
    await through(loop, 60)
    for owner in (near, far):
        assert (await venue.view(owner)).row["status"] == "unmeasurable"
    assert "accounts cannot be read" in str((await venue.view(near)).row["reason"])


async def test_a_venue_that_repeats_what_it_said_is_unknown_within_a_minute(venue: Watched):
    (near,) = venue.desk.add_users([NEAR])
    loop = venue.loop([near])
    await through(loop, 30)
    venue.simulator.frozen = True
    await through(loop, 60)
    view = await venue.view(near)
    assert (view.level, view.row["status"]) == ("UNKNOWN", "unmeasurable")
    assert "repeating" in str(view.row["reason"])
    venue.simulator.frozen = False
    await through(loop, 10)
    assert (await venue.view(near)).row["status"] == "measured"


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (wire.body(b"<html>Bad gateway</html>", "text/html"), "expected JSON"),
        (wire.body(b'{"surprise": [1]}'), "found otherwise"),
        (wire.body(b'[{"universe": [{"name": "BTC"}]}, []]'), "found otherwise"),
        (wire.truncated, "expected an answer within"),
        (wire.reset, "expected an answer within"),
    ],
    ids=["html", "another shape", "a part of it", "truncated", "reset"],
)
async def test_what_is_no_answer_of_the_known_shape_is_unknown_and_named(venue: Watched, fault: wire.Wire, said: str):
    (near,) = venue.desk.add_users([NEAR])
    loop = venue.loop([near])
    await loop.once()
    venue.simulator.faults.append(Fault(fault))
    await through(loop, 20)
    view = await venue.view(near)
    assert view.row["status"] == "unmeasurable"
    assert said in str(view.row["reason"])


async def test_slow_answers_hold_up_no_turn_for_long_and_change_nothing_that_is_known(venue: Watched):
    near, far = venue.desk.add_users([NEAR, FAR])
    loop = venue.loop([near, far])
    await loop.once()
    venue.simulator.faults.append(Fault(slow(venue.clock, 3), kinds=frozenset({"clearinghouseState"})))
    await through(loop, 60)
    assert {(await venue.view(owner)).row["status"] for owner in (near, far)} == {"measured"}


async def test_a_venue_whose_clock_is_an_hour_behind_is_read_as_it_is(venue: Watched):
    venue.desk.behind_s = 3_600
    (near,) = venue.desk.add_users([NEAR])
    loop = venue.loop([near])
    await through(loop, 60)
    view = await venue.view(near)
    assert (view.level, view.row["status"]) == ("CRITICAL", "measured")
    at = loop.desks[DEPLOYMENT.name].quotes.at
    assert isinstance(at, VenueMoment)
    assert at.server_time_ms // 1000 + 3_600 == at.received_s


async def test_one_owner_whose_account_cannot_be_read_is_unknown_beside_the_others(venue: Watched):
    odd, fine = venue.desk.add_users([FAR, FAR])
    loop = venue.loop([odd, fine])
    await loop.once()
    venue.desk.recorded[odd, "clearinghouseState"] = {"marginSummary": {"accountValue": "1.0"}}
    await through(loop, 120)
    assert (await venue.view(odd)).row["status"] == "unmeasurable"
    assert "clearinghouseState" in str((await venue.view(odd)).row["reason"])
    assert (await venue.view(fine)).row["status"] == "measured"
    del venue.desk.recorded[odd, "clearinghouseState"]
    await through(loop, 20)
    assert (await venue.view(odd)).row["status"] == "measured"


async def test_balances_older_than_the_limit_say_nothing_of_now(venue: Watched):
    first, second = venue.desk.add_users([NEAR, FAR])
    loop = venue.loop([first, second], limit_s=20)
    await loop.once()
    (one,) = [held for held in loop.desks[DEPLOYMENT.name].everyone if held.owner == first]
    venue.simulator.faults.append(Fault(wire.status(500), kinds=frozenset({"clearinghouseState"})))
    await venue.clock.sleep(21)
    for standing in one.standings.values():
        standing.is_fresh = True
    await loop.once()
    view = await venue.view(first)
    assert view.row["status"] == "unmeasurable"
    assert "21 s apart, expected at most 20 s" in str(view.row["reason"])


async def test_a_position_that_is_closed_is_told_as_over_and_then_no_longer_listed(venue: Watched):
    (user,) = venue.desk.add_users([FAR])
    btc, mark = COINS[0], venue.desk.marks["BTC"]
    own = Position(btc, Decimal("0.1"), mark, 40, own_cash=-mark / 10 + Decimal(110))
    venue.desk.users[user].positions.append(own)
    loop = venue.loop([user], pace_ms=30_000)
    await loop.once()
    assert len(await venue.store.views.positions_of(loop.targets[0].owners[0])) == 2
    assert await venue.told() == [AlertKind.WORSENED]
    venue.desk.users[user].positions.remove(own)
    await through(loop, 900)
    assert await venue.told() == [AlertKind.WORSENED, AlertKind.RECOVERED]
    assert (await venue.view(user)).row["margin_mode"] == "cross"


async def test_a_read_that_is_not_what_was_projected_though_nobody_acted_raises_the_alarm(venue: Watched):
    (user,) = venue.desk.add_users([NEAR])
    venue.adapter = drifting = Drifting()
    loop = venue.loop([user])
    await turns(loop, 3)
    desk = loop.desks[DEPLOYMENT.name]
    assert (desk.compared, desk.drifts) == (2, 0)
    drifting.off_from_s = venue.clock.wall_s() + 1
    await turns(loop, 3)
    assert (desk.compared, desk.drifts) == (5, 1)


async def test_an_owner_who_acts_between_two_reads_raises_no_alarm(venue: Watched):
    (user,) = venue.desk.add_users([NEAR])
    loop = venue.loop([user])
    await turns(loop, 2)
    venue.desk.users[user].cash += 50
    await turns(loop, 2)
    venue.desk.users[user].positions[0].size *= 2
    await turns(loop, 2)
    assert loop.desks[DEPLOYMENT.name].drifts == 0


async def test_an_owner_with_nothing_has_a_row_that_says_so(venue: Watched):
    empty = f"0x{0xE0 << 96:040x}"
    venue.desk.users[empty] = User(Decimal(0))
    loop = venue.loop([empty])
    await loop.once()
    assert (await venue.view(empty)).row["status"] == "no_debt"
