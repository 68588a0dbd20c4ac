"""Every error this program raises on purpose.

MonitorError
├── ConfigError                a setting is missing, contradictory, unknown or unsafe: refuse to start
├── UsageError                 a command was called with something it cannot take
├── ReadError                  a read did not produce a whole, trustworthy answer: keep no part of it
│   ├── EndpointError          timeout, disconnect, bad gateway: another try or endpoint may succeed
│   │   ├── RateLimited        the endpoint asks to wait; carries how long
│   │   ├── AskedTooMuch       more gas, bytes, items or time than the endpoint gives one request: ask for less
│   │   ├── Unsupported        the endpoint cannot do this at all: take another way or endpoint
│   │   └── NoEndpoint         every endpoint of the chain failed or is excluded
│   ├── WrongChain             the endpoint serves another chain: never use it
│   ├── BlockMoved             the pinned block left the canonical chain, or the node does not have it
│   ├── EndpointsDisagree      two endpoints gave different answers for one block: one of them is wrong
│   └── UnexpectedAnswer       wrong shape or impossible value: another try will not help
│       ├── CallReverted       the contract reverted; carries the revert data
│       ├── DecodeError        bytes that are not the ABI value they should be
│       └── MalformedJson      a body that is not the JSON it should be
├── DeliveryError              a message was not accepted
│   ├── DeliveryDeferred       try again later; carries how long to wait
│   ├── DeliveryRefused        this recipient will never accept: use the next channel
│   └── MarkupRefused          the recipient is fine, the formatting is not: send it as plain text
├── LedgerError                a ledger cannot take this step: nothing of it was taken
│   ├── NotLinked              the step builds on another block than the ledger's: undo what was forked away first
│   ├── ReorgTooDeep           the chain forked below what the journal can undo: rebuild
│   └── LedgerCorrupt          stored bytes are not what was written: rebuild
└── StoreError                 the database refused: stop, do not alert on unsaved state
    └── StoreFull              no space left: keep working in memory, say so
"""


class MonitorError(Exception):
    """Anything this program reports as its own failure."""


class ConfigError(MonitorError):
    """A setting is missing, contradictory, unknown or unsafe."""


class UsageError(MonitorError):
    """A command was called with something it cannot take."""


class ReadError(MonitorError):
    """A read did not produce a whole, trustworthy answer."""


class EndpointError(ReadError):
    """An endpoint failed in a way that another try or another endpoint may mend."""


class RateLimited(EndpointError):
    """The endpoint asks to wait."""

    def __init__(self, message: str, retry_after_ms: int | None = None) -> None:
        super().__init__(message)
        self.retry_after_ms = retry_after_ms


class AskedTooMuch(EndpointError):
    """The request needs more gas, bytes, items or time than the endpoint gives to one."""


class Unsupported(EndpointError):
    """The endpoint does not know the method or parameter."""


class NoEndpoint(EndpointError):
    """Every endpoint of the chain failed or is excluded."""


class WrongChain(ReadError):
    """The endpoint serves another chain than the one configured."""


class BlockMoved(ReadError):
    """The pinned block left the canonical chain, or the node does not have it."""


class EndpointsDisagree(ReadError):
    """Two endpoints gave different answers for the same block."""


class UnexpectedAnswer(ReadError):
    """An answer of the wrong shape or with an impossible value."""


class CallReverted(UnexpectedAnswer):
    """A contract call reverted."""

    def __init__(self, message: str, data: bytes = b"") -> None:
        super().__init__(message)
        self.data = data


class DecodeError(UnexpectedAnswer):
    """Bytes that are not the ABI value they should be."""


class MalformedJson(UnexpectedAnswer):
    """A body that is not the JSON it should be."""


class DeliveryError(MonitorError):
    """A message was not accepted by its channel."""


class DeliveryDeferred(DeliveryError):
    """Not accepted now; another try may succeed."""

    def __init__(self, message: str, retry_after_ms: int | None = None) -> None:
        super().__init__(message)
        self.retry_after_ms = retry_after_ms


class DeliveryRefused(DeliveryError):
    """This recipient will never accept."""


class MarkupRefused(DeliveryError):
    """The recipient is fine, the formatting is not."""


class LedgerError(MonitorError):
    """A ledger cannot take this step."""


class NotLinked(LedgerError):
    """The step builds on another block than the ledger's."""


class ReorgTooDeep(LedgerError):
    """The chain forked below what the journal can undo."""


class LedgerCorrupt(LedgerError):
    """Stored bytes are not what was written."""


class StoreError(MonitorError):
    """The database refused."""


class StoreFull(StoreError):
    """No space left for the database."""


class LeaseLost(MonitorError):
    """Another process works on the store now."""


class HistoryError(MonitorError):
    """History cannot be written or read."""
