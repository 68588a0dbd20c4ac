"""What a message is, and what every channel does with it."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Answers:
    """What a reader may answer with: the `token` of the message, which nobody else knows.

    `acknowledges` says whether there is something to acknowledge, `is_of_one` whether it is about one position alone.
    `link_base` is where this service is reached, empty where it is not.
    """

    token: str
    acknowledges: bool
    is_of_one: bool
    link_base: str


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it will be read.

    `key` names it across repeats, `incident` the thread it belongs to. `html` uses only b, code and a; without it the
    message goes out as plain text. `record` says the same to programs, as a JSON object. `answers` is None
    where nobody can answer.
    """

    key: str
    incident: str
    subject: str
    text: str
    html: str | None
    record: str = "{}"
    answers: Answers | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """How fast a channel may be used: so many messages in a window, and a pause between two to one address.

    To a group it is besides so many in a longer window; 0 where groups are like everyone else.
    """

    messages: int
    window_ms: int
    gap_ms: int
    group_messages: int = 0
    group_window_ms: int = 0


def is_group(address: str) -> bool:
    """Whether many read what goes to an address: Telegram's groups have a minus sign, its channels an @."""
    return address.startswith(("-", "@"))


class Channel(Protocol):
    """One way to deliver."""

    @property
    def name(self) -> str:
        """What stands before the colon in a route: telegram, email, webhook."""
        ...

    @property
    def limits(self) -> Limits: ...

    @property
    def gathers(self) -> bool:
        """Whether several alerts for one person go out as one message; a program wants each by itself."""
        ...

    async def send(self, address: str, message: Message) -> None:
        """Return once the message is accepted.

        Raises DeliveryDeferred (try again), DeliveryRefused (never to this address), MarkupRefused (send plain text).
        """
        ...
