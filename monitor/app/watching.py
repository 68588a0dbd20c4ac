"""What looks after the loops from outside, each watched by the interval that its chain or venue keeps."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from monitor.app import parts
from monitor.clock import Clock
from monitor.cycle.causes.memory import Memory
from monitor.cycle.causes.watchdog import Headed, Watchdog
from monitor.cycle.head import HeadLoop
from monitor.cycle.venues.loop import VenueLoop
from monitor.settings import Settings
from monitor.sources.life.pulse import patience_ms
from monitor.sources.rpc.chain import Chain

EVERY_S = 2
_MS_PER_S = 1000


def watchdogs(
    settings: Settings,
    chains: Mapping[str, Chain],
    loops: Mapping[str, HeadLoop],
    venues: Mapping[str, VenueLoop],
    clock: Clock,
) -> Iterator[tuple[str, Watchdog]]:
    """Yield what watches each chain's loop and each venue's, by name."""
    for name, loop in loops.items():
        chain = settings.chain_named(name)
        block_ms = int(Decimal(str(chain.block_time_s)) * _MS_PER_S)
        patience = chain.halted_after_s * _MS_PER_S if chain.halted_after_s is not None else patience_ms(block_ms)
        yield name, _watchdog(name, loop, max(block_ms, parts.pace_ms(chain)), patience, chains[name], clock)
    for name, venue in venues.items():
        pace_ms = parts.venue_pace_ms(settings.chain_named(name))
        yield name, _watchdog(name, venue, pace_ms, pace_ms, None, clock)


def _watchdog(
    name: str, loop: HeadLoop | VenueLoop, interval_ms: int, head_ms: int, chain: Headed | None, clock: Clock
) -> Watchdog:
    names = tuple(target.deployment.name for target in loop.targets)
    memory = Memory(loop.targets[0].deployment.chain, loop.ruling)
    return Watchdog(name, names, lambda: loop.passes, interval_ms, head_ms, chain, memory, clock)
