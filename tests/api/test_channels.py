"""Each channel shows what became of its latest message."""

from pathlib import Path

from monitor.domain.alerts import Route
from monitor.errors import DeliveryDeferred, DeliveryRefused
from tests.api.served import served
from tests.fakes.clock import FakeClock
from tests.fakes.evaluations import position
from tests.outbox.scene import FakeChannel, alert, deliver, to, told


async def test_each_channel_shows_its_last_delivery_and_nobodys_address(tmp_path: Path):
    clock = FakeClock(runs=True)
    telegram = FakeChannel(clock, refuses={"777": DeliveryRefused("bot was blocked by the user")})
    email = FakeChannel(clock, "email")
    async with served(tmp_path) as api:
        assert (await api.get("/v1/channels")) == (200, {"items": []})
        await api.store.commit(told(alert(), recipient=to("777", Route("email", "owner@example.org"))))
        _, found = await api.get("/v1/channels")
        assert [(one["channel"], one["pending"], one["last"]) for one in found["items"]] == [("telegram", 1, None)]
        await deliver(api.store, [telegram, email], clock)
        email.failures.append(DeliveryDeferred("greylisted"))
        await api.store.commit(told(alert(of=position(2)), recipient=to("777", Route("email", "owner@example.org"))))
        await deliver(api.store, [telegram, email], clock, lambda: len(email.tried) == 2)
        _, found = await api.get("/v1/channels")
        shown = {one.pop("channel"): one for one in found["items"]}
    assert {name: (one["last"], one["last_detail"]) for name, one in shown.items()} == {
        "telegram": ("refused", "bot was blocked by the user"),
        "email": ("deferred", "greylisted"),
    }
    assert (shown["email"]["sent"], shown["email"]["pending"]) == (1, 1)
    assert "777" not in str(found)
    assert "example" not in str(found)
