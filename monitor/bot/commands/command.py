"""What a command is, who gives it, and what it works with."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from monitor.bot.reply import Reply
from monitor.clock import Clock
from monitor.cycle.people.digests import Positions
from monitor.domain.alerts import Route
from monitor.domain.ids import DeploymentName
from monitor.domain.people import Origin, Subscriber
from monitor.rules.levels import Levels
from monitor.store import Store


@dataclass(frozen=True, slots=True)
class Means:
    """What commands work with.

    `limits_s` says how old each deployment's last whole read may be. `own_levels` makes levels of a subscriber's table
    and raises ConfigError where it makes none.
    """

    store: Store
    positions: Positions
    clock: Clock
    limits_s: Mapping[DeploymentName, int]
    own_levels: Callable[[Mapping[str, Any]], Levels]
    acknowledge_for_s: int

    async def caller(self, chat: int, *, is_private: bool) -> "Caller | None":
        """Return who speaks in a chat, None where it is nobody's contact."""
        route = Route("telegram", str(chat))
        people = await self.store.people.reached_at(route)
        return Caller(route, people, is_private) if people else None


@dataclass(frozen=True, slots=True)
class Caller:
    """A chat and the subscribers whose contact it is, at least one."""

    route: Route
    people: tuple[Subscriber, ...]
    is_private: bool

    @property
    def who(self) -> Subscriber:
        """Whose settings are changed here."""
        return self.people[0]

    @property
    def is_of_settings(self) -> bool:
        """Whether whom they watch stands in the settings, which the next start reads again."""
        return self.who.origin is Origin.SETTINGS


Handle = Callable[[Means, Caller, str], Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class Command:
    """One word, how it is used, what it does, and whether a group may give it."""

    name: str
    usage: str
    does: str
    handle: Handle
    is_for_groups: bool = False
