"""What people do while they are told of things."""

from random import Random
from typing import Any

from monitor.store import Store
from tests.fakes.evaluations import position
from tests.simulator.story import POSITIONS
from tests.simulator.witness import Witness


async def act(store: Store, witness: Witness, rng: Random, kind: str, name: str, now_s: int) -> None:
    """Have somebody do something."""
    people = store.people
    witness.says(f"{name} does {kind}")
    changes: dict[str, dict[str, Any]] = {
        "mute": {"muted_until_s": now_s + rng.choice((30, 120))},
        "unmute": {"muted_until_s": None},
        "zone": {"zone": rng.choice(("UTC", "Asia/Tokyo", "America/Los_Angeles"))},
        "quiet": {"quiet_from": 0, "quiet_until": rng.choice((1, 720, 1440))},
    }
    match kind:
        case "ack":
            await _acknowledge(store, witness, rng, name)
        case "stop":
            await people.stop(name)
        case "resume":
            await people.resume(name)
        case "silence":
            await people.silence(name, str(position(rng.randint(1, POSITIONS))))
        case "unreach":
            routes = (await people.named(name)).routes
            if len(routes) > 1:
                await people.unreach(name, routes[-1])
        case _:
            await people.set(name, **changes[kind])


async def _acknowledge(store: Store, witness: Witness, rng: Random, name: str) -> None:
    query = "SELECT token FROM outbox WHERE recipient = ? AND state = 'sent' ORDER BY id DESC LIMIT 1"
    for row in witness.rows(query, name):
        sent = await store.owed.sent(row["token"])
        for alert in () if sent is None else sent.alerts:
            if alert.topic == "level":
                await store.owed.acknowledge(name, alert, rng.choice((60, 3600)))
