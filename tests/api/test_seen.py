"""An incident acknowledged over the API: for everyone who was told of it, once, with the name of the key."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from monitor.domain.alerts import Alert, AlertKind, Level, Notice, Recipient, Route
from monitor.store import Commit
from tests.api.served import ACK, KEYS, Served, bearer, served
from tests.fakes.evaluations import position
from tests.outbox.scene import alert

ALICE = Recipient("alice", (Route("telegram", "1"), Route("email", "a@example.org")))
BOB = Recipient("bob", (Route("telegram", "2"),))


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(tmp_path, KEYS) as running:
        yield running


async def told(api: Served, one: Alert, *who: Recipient) -> int:
    """Commit an alert and whom to tell, and return its id."""
    await api.store.commit(Commit(None, notices=[Notice(one, who)]))
    return await api.store.views.newest_alert()


async def seen(api: Served, number: int, secret: str = ACK) -> tuple[int, dict[str, Any]]:
    status, said = await api.get("/v1/acknowledge", "POST", json={"alert": number}, headers=bearer(secret))
    return status, said


async def test_everyone_who_was_told_has_seen_it_and_the_name_of_the_key_is_kept(api: Served):
    number = await told(api, alert(Level.DANGER, incident="ONE"), ALICE, BOB)
    await told(api, alert(Level.DANGER, of=position(2), incident="OTHER"), ALICE)
    status, said = await seen(api, number)
    now_s = api.clock.wall_s()
    assert status == 200, said
    assert (said["incident"], said["level"], said["by"]) == ("ONE", "DANGER", "on duty")
    assert (said["told"], said["fresh"], said["until_s"]) == (2, 2, now_s + 3600)
    (acks, _) = await api.store.owed.waiting()
    assert {(ack.recipient, ack.incident, ack.level) for ack in acks} == {
        ("alice", "ONE", Level.DANGER),
        ("bob", "ONE", Level.DANGER),
    }
    assert await api.store.owed.acknowledged_by("ONE") == (("on duty", Level.DANGER, now_s),)


async def test_the_same_again_changes_nothing_and_says_so(api: Served):
    number = await told(api, alert(Level.DANGER, incident="ONE"), ALICE)
    _, first = await seen(api, number)
    await api.advance(600)
    status, again = await seen(api, number)
    assert status == 200
    assert (again["fresh"], again["age_s"]) == (0, 600)
    assert {name: again[name] for name in ("until_s", "acknowledged_s", "told")} == {
        name: first[name] for name in ("until_s", "acknowledged_s", "told")
    }
    assert len(await api.store.owed.acknowledged_by("ONE")) == 1


async def test_what_got_worse_is_acknowledged_by_its_own_alert_alone(api: Served):
    mild = await told(api, alert(Level.WARN, incident="ONE"), ALICE)
    worse = await told(api, alert(Level.CRITICAL, incident="ONE", seq=2), ALICE)
    await seen(api, worse)
    assert (await seen(api, mild))[1]["fresh"] == 0
    ((ack,), _) = await api.store.owed.waiting()
    assert ack.level is Level.CRITICAL
    await api.store.owed.acknowledge("bob", alert(Level.WARN, incident="ONE"), 60)
    assert {level for _, level, _ in await api.store.owed.acknowledged_by("ONE")} == {Level.WARN, Level.CRITICAL}


async def test_somebody_who_acknowledged_before_keeps_the_own_time(api: Served):
    number = await told(api, alert(Level.DANGER, incident="ONE"), ALICE, BOB)
    await api.store.owed.acknowledge("bob", alert(Level.DANGER, incident="ONE"), 60)
    _, said = await seen(api, number)
    assert (said["told"], said["fresh"], said["until_s"]) == (2, 1, api.clock.wall_s() + 60)


async def test_what_is_no_incident_or_is_over_or_unknown_is_not_acknowledged(api: Served):
    open_one = await told(api, alert(Level.DANGER, incident="ONE"), ALICE)
    over = await told(api, alert(Level.OK, AlertKind.RECOVERED, incident="ONE", seq=2), ALICE)
    assert [(await seen(api, number))[0] for number in (open_one, over, over + 1)] == [409, 409, 404]
    assert (await api.store.owed.waiting())[0] == ()
    for body in ({"alert": 0}, {"alert": True}, {"alert": "1"}, {}, {"alert": 1, "recipient": "alice"}):
        status, _ = await api.get("/v1/acknowledge", "POST", json=body, headers=bearer(ACK))
        assert status == 422, body


async def test_nobody_was_told_and_still_the_name_is_kept(api: Served):
    number = await told(api, alert(Level.DANGER, incident="ONE"))
    status, said = await seen(api, number)
    assert (status, said["told"], said["until_s"]) == (200, 0, None)
    assert len(await api.store.owed.acknowledged_by("ONE")) == 1
