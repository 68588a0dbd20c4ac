"""The shape of the channels that messages go out by."""

from typing import Literal

from monitor.client.wire.answer import Answer


class ChannelAnswer(Answer):
    """How one channel does: messages by state, and what became of the latest try.

    `oldest_pending_age_s` is the age of the oldest message owed. `last` is null where nothing was ever tried, and
    `last_detail` says why the latest try did not end in a delivery; no address is ever named.
    """

    channel: str
    pending: int
    sent: int
    dead: int
    superseded: int
    oldest_pending_age_s: int | None
    last: Literal["sent", "deferred", "refused"] | None
    last_age_s: int | None
    last_detail: str | None


class Channels(Answer):
    """Every channel that anything was ever owed on."""

    items: tuple[ChannelAnswer, ...]
