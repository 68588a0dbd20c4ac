"""Who no longer wants to hear gets nothing that begins after that is stored."""

import asyncio
from pathlib import Path

from sqlalchemy import update

from monitor.channels.channel import Message
from monitor.errors import MarkupRefused
from monitor.outbox.dispatcher import Dispatcher
from monitor.store import Store, tables
from tests.fakes.clock import FakeClock
from tests.fakes.evaluations import position
from tests.outbox.scene import Witness, alert, deliver, opened, told

ROUNDS = 60
TURNS = 20


async def stop(store: Store, address: str, witness: Witness) -> None:
    t = tables.outbox.c
    async with store._database.writing() as connection:
        stopped = update(tables.outbox).where(t.address == address, t.state == "pending").values(state="superseded")
        await connection.execute(stopped)
    witness.events.append(("stopped", address))


async def test_no_send_begins_after_an_unsubscription_is_stored(tmp_path: Path):
    """Every second one is stored as its message is about to be sent, the others around when that is found."""
    clock = FakeClock()
    witness, current = Witness(clock), 0
    async with opened(tmp_path, clock) as store, asyncio.timeout(60), asyncio.TaskGroup() as group:

        async def stop_soon(n: int) -> None:
            for _ in range(n % TURNS):
                await asyncio.sleep(0)
            await stop(store, str(n), witness)

        def reach(place: str) -> None:
            if place == "lane: before sending" and current % 2:
                group.create_task(stop_soon(current))

        running = Dispatcher(store.queue, [witness], clock, lambda: 1.0, reach=reach)
        task = group.create_task(running.run())
        for n in range(1, ROUNDS + 1):
            await store.commit(told(alert(of=position(n))))
            current = n
            running.wake()
            if n % 2 == 0:
                group.create_task(stop_soon(n))
            while ("stopped", str(n)) not in witness.events:
                await clock.advance(0)
                await asyncio.sleep(0.0005)
        task.cancel()
    events = {at: place for place, at in reversed(list(enumerate(witness.events)))}
    begun = [n for n in range(1, ROUNDS + 1) if ("begun", str(n)) in events]
    assert all(events["begun", str(n)] < events["stopped", str(n)] for n in begun)
    assert 0 < len(begun) < ROUNDS


async def test_while_a_message_is_claimed_nobody_can_withdraw_it(tmp_path: Path):
    clock = FakeClock(runs=True)
    witness = Witness(clock)
    async with opened(tmp_path, clock) as store, asyncio.TaskGroup() as group:
        await store.commit(told(alert()))
        owed = (await store.queue.look("telegram", 1, clock.wall_s())).due
        async with store.queue.claimed(owed) as still:
            assert still == {owed[0].id}
            stopping = group.create_task(stop(store, "1", witness))
            await asyncio.wait((stopping,), timeout=0.1)
            assert witness.events == []
        await stopping
        async with store.queue.claimed(owed) as still:
            assert still == set()


async def test_a_message_withdrawn_between_its_two_forms_is_not_sent_as_plain_text(tmp_path: Path):
    clock = FakeClock(runs=True)

    class Refusing(Witness):
        async def send(self, address: str, message: Message) -> None:
            self.events.append(("begun", address))
            await stop(store, address, self)
            raise MarkupRefused("can't parse entities")

    witness = Refusing(clock)
    async with opened(tmp_path, clock) as store:
        await store.commit(told(alert()))
        await deliver(store, [witness], clock)
    assert witness.events == [("begun", "1"), ("stopped", "1")]
