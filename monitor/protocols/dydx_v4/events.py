"""The indexer's WebSocket: what to subscribe to, and which subaccount a message says has changed.

A message only wakes: what is true stays with the question asked.
"""

import json

from monitor.domain.ids import Address, PositionKey, address, spelled
from monitor.errors import UnexpectedAnswer, UsageError
from monitor.protocols.dydx_v4 import wire
from monitor.protocols.dydx_v4.market import Market, key_of, number_of, owner_of

CHANNEL = "v4_subaccounts"
_CHANGES = ("subscribed", "channel_data", "channel_batch_data")


def subscription(market: Market, key: PositionKey) -> str:
    """Return the message that asks for the changes of one subaccount."""
    owner = spelled(market.deployment.chain, owner_of(key))
    return json.dumps({"type": "subscribe", "channel": CHANNEL, "id": f"{owner}/{number_of(key)}"})


def touched(message: str) -> tuple[PositionKey, ...]:
    """Return the subaccount that a message is about, none for a message of another kind.

    Raises UnexpectedAnswer for a message on the channel that names none.
    """
    told = wire.parsed(wire.Pushed, message, "the indexer's WebSocket")
    if told.channel != CHANNEL or told.type not in _CHANGES:
        return ()
    owner, separator, number = told.id.partition("/")
    if not separator or not number.isascii() or not number.isdigit() or int(number) >= 2**32:
        raise UnexpectedAnswer(f"expected a subaccount as address/number, found {told.id[:80]!r}")
    return (key_of(_address(owner), int(number)),)


def _address(text: str) -> Address:
    try:
        return address(text)
    except UsageError as e:
        raise UnexpectedAnswer(str(e)) from e
