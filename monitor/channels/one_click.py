"""Where a reader of mail goes to acknowledge or to hear no more: pages of our own, named by the message's token."""

from dataclasses import dataclass

from monitor.channels.channel import Answers

ACKNOWLEDGE, UNSUBSCRIBE = "/acknowledge/{token}", "/unsubscribe/{token}"
_VERSION = "/v1"


@dataclass(frozen=True, slots=True)
class Links:
    """Addresses of such pages; None for what a message cannot be answered with."""

    unsubscribe: str
    silence: str | None
    acknowledge: str | None

    @property
    def shown(self) -> tuple[tuple[str, str], ...]:
        """What each one is called, and its address."""
        named = (
            ("Acknowledge", self.acknowledge),
            ("Stop mails about this position", self.silence),
            ("Stop all mails", self.unsubscribe),
        )
        return tuple((name, url) for name, url in named if url is not None)


def links(answers: Answers | None) -> Links | None:
    """Return where a message is answered; None where it cannot be, or this service has no address."""
    if answers is None or not answers.link_base:
        return None
    base = answers.link_base.rstrip("/").removesuffix(_VERSION)
    stop = base + UNSUBSCRIBE.format(token=answers.token)
    acknowledge = base + ACKNOWLEDGE.format(token=answers.token)
    return Links(
        stop, f"{stop}?position=1" if answers.is_of_one else None, acknowledge if answers.acknowledges else None
    )
