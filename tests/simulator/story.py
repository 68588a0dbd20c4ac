"""What a seed makes happen: paths of health, what people do, and what goes wrong, each at its second."""

from dataclasses import dataclass, field
from random import Random

from monitor.domain.alerts import Route

POSITIONS = 3
BLOCKS = 13
BLOCK_S = 12
CALM_S = 62
"""At the end nothing goes wrong for so long."""
WALL_S = 1_750_000_000
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Kiritimati")
OFTEN = ("ack", "ack", "ack", "mute", "unmute", "stop", "resume", "resume", "silence", "zone", "unreach", "quiet")
AT_ONCE = ("ack", "stop", "silence", "unreach")
HEALTHS = (
    "0.97",
    "0.999",
    "1.004",
    "1.04",
    "1.049",
    "1.08",
    "1.09",
    "1.15",
    "1.2",
    "1.24",
    "1.4",
    "1.6",
    "2.5",
    "none",
)


@dataclass(frozen=True)
class Person:
    """A subscriber as the simulation begins."""

    name: str
    routes: tuple[Route, ...]
    watches: tuple[int, ...]
    zone: str
    quiet: tuple[int, int] | None
    digest_at: int | None


@dataclass(frozen=True)
class Fault:
    """A channel that answers otherwise from one second until another: later, never, no markup, or not at all."""

    channel: str
    kind: str
    from_s: float
    until_s: float


@dataclass(frozen=True)
class Block:
    """What one block shows: of each position its health, the block's number, and whether anything could be read."""

    number: int
    label: str
    healths: tuple[str, ...]


@dataclass
class Story:
    """Everything that a seed decides in advance; what depends on the order of events draws from `rng` then."""

    seed: int
    rng: Random
    people: tuple[Person, ...] = ()
    blocks: tuple[Block, ...] = ()
    faults: tuple[Fault, ...] = ()
    crashes_s: tuple[float, ...] = ()
    crash_places: tuple[int, ...] = ()
    jumps: tuple[tuple[int, int], ...] = ()
    actions: dict[int, list[tuple[str, int]]] = field(default_factory=dict)
    late_actions: dict[int, list[tuple[str, int]]] = field(default_factory=dict)


def story(seed: int) -> Story:
    """Return the story of a seed."""
    rng = Random(seed)
    lasts_s = BLOCKS * BLOCK_S
    people = tuple(_person(rng, number) for number in range(rng.randint(1, 3)))
    faults = tuple(
        Fault(
            rng.choice(("telegram", "email")),
            rng.choice(("later", "never", "markup", "hangs", "asks")),
            start,
            start + length,
        )
        for start, length in ((rng.uniform(0, lasts_s), rng.uniform(5, 60)) for _ in range(rng.randint(0, 3)))
    )
    kills = rng.choice((0, 0, 1, 1, 2, 3))
    timed = rng.randint(0, kills)
    return Story(
        seed,
        rng,
        people,
        tuple(_blocks(rng)),
        tuple(fault for fault in faults if fault.until_s < lasts_s),
        tuple(sorted(rng.uniform(0, lasts_s) for _ in range(timed))),
        tuple(rng.randint(1, 250) for _ in range(kills - timed)),
        tuple(
            (rng.randrange(BLOCKS), rng.choice((-86_400, -3600, 3600, 86_400))) for _ in range(rng.choice((0, 0, 1, 2)))
        ),
        _actions(rng, len(people), OFTEN),
        _actions(rng, len(people), AT_ONCE),
    )


def _person(rng: Random, number: int) -> Person:
    routes = (Route("telegram", str(40 + number)), Route("email", f"p{number}@example.org"))
    kept = rng.choice((routes, routes[:1], routes[1:]))
    quiet = rng.choice((None, None, (0, 1440), (22 * 60, 7 * 60), (15 * 60, 15 * 60 + 10)))
    watches = tuple(sorted(rng.sample(range(1, POSITIONS + 1), rng.randint(1, POSITIONS))))
    return Person(f"p{number}", kept, watches, rng.choice(ZONES), quiet, rng.choice((None, 15 * 60 + 8, 480)))


def _blocks(rng: Random) -> list[Block]:
    places = [rng.randrange(len(HEALTHS)) for _ in range(POSITIONS)]
    blind = rng.randrange(BLOCKS) if rng.random() < 0.3 else BLOCKS
    blind_for, number, found = rng.randint(1, 15), 100, list[Block]()
    for turn in range(BLOCKS):
        number += -rng.randint(0, 2) if rng.random() < 0.08 else 1
        healths = []
        for which in range(POSITIONS):
            step = rng.choice((-3, -1, -1, 0, 0, 0, 0, 0, 1, 1, 3)) if rng.random() < 0.5 else 0
            places[which] = min(max(places[which] + step, 0), len(HEALTHS) - 1)
            lost = blind <= turn < blind + blind_for or rng.random() < 0.03
            healths.append("?no answer" if lost else HEALTHS[places[which]])
        found.append(Block(number, f"{turn:04x}", tuple(healths)))
    return found


def _actions(rng: Random, people: int, kinds: tuple[str, ...]) -> dict[int, list[tuple[str, int]]]:
    found: dict[int, list[tuple[str, int]]] = {}
    for _ in range(rng.randint(0, 5)):
        kind = rng.choice(kinds)
        found.setdefault(rng.randrange(BLOCKS), []).append((kind, rng.randrange(people)))
    return found
