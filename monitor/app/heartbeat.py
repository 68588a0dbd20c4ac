"""The dead-man's switch of the service, where the settings name a receiver."""

from collections.abc import Collection
from contextlib import AsyncExitStack

from monitor.channels.opening import open_heartbeat
from monitor.clock import Clock
from monitor.outbox.deadman import DeadMan
from monitor.outbox.dispatcher import Dispatcher
from monitor.settings import Settings
from monitor.store import Store


async def dead_man(
    settings: Settings,
    names: Collection[str],
    store: Store,
    dispatcher: Dispatcher,
    clock: Clock,
    stack: AsyncExitStack,
) -> DeadMan | None:
    """Return the switch over chains and venues by name, None without a receiver; raises ConfigError for its URL."""
    own = settings.heartbeat
    if own.url is None:
        return None
    opened = open_heartbeat(clock, own.url.get_secret_value(), allow_private=own.allow_private)
    heartbeat = await stack.enter_async_context(opened)
    return DeadMan(
        frozenset(names),
        own.every_s,
        heartbeat.ping,
        dispatcher.still_ms,
        lambda: store.commits,
        store.queue,
        clock,
    )
