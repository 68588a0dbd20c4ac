"""What a protocol provides. An adapter is stateless: it asks, folds and judges, does no I/O and names no block."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, runtime_checkable

from monitor.domain.assessment import Assessment, Kind, Leg, Quote
from monitor.domain.deployment import Deployment
from monitor.domain.health import Health
from monitor.domain.ids import Address, MarketKey, PositionKey
from monitor.domain.moment import At
from monitor.domain.prices import PROTOCOL, Node, PriceUsed, Repricing
from monitor.domain.token import Token
from monitor.ledger.accounts import Account, Accounts
from monitor.pricing.graph import PriceGraph
from monitor.query import Ask, Log, LogFilter
from monitor.screen.factors import Cells, Factors


class Market(Protocol):
    """All that the accounts of one market share at one moment."""

    @property
    def deployment(self) -> Deployment: ...
    @property
    def key(self) -> MarketKey: ...
    @property
    def at(self) -> At: ...
    @property
    def base_unit(self) -> int:
        """One unit of the base currency as an integer, 10^8 for an eight-decimal USD."""

    @property
    def base_is_usd(self) -> bool: ...
    @property
    def base_token(self) -> Address | None:
        """The token that the base currency is, or is worth as much as; None where it is a currency such as USD."""

    @property
    def graph(self) -> PriceGraph:
        """The price graph, which every repricing of the market goes through."""

    @property
    def prices(self) -> tuple[PriceUsed, ...]:
        """Every node of the price graph with its present value."""

    @property
    def tokens(self) -> tuple[tuple[Node, Token], ...]:
        """The nodes that price each token of the market, usually one for each."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One account on which this program and the contract differ: what each says, or why it says nothing."""

    key: PositionKey
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class Liquidated:
    """One liquidation that a log tells, in raw token units. `written_off_raw`: debts cancelled with it, by token.

    `collateral_token` describes the collateral where it is none of the market's tokens, such as a share of a pool.
    """

    key: PositionKey
    collateral: Address
    debt: Address
    seized_raw: int
    repaid_raw: int
    liquidator: Address
    log: Log
    written_off_raw: tuple[tuple[Address, int], ...] = ()
    collateral_token: Token | None = None


@dataclass(frozen=True, slots=True)
class Changed:
    """One parameter of a market that is not what it was.

    `subject` is a token, a category (`category 2`) or a contract; None stands for a value that is not there or not
    told. `log` is the log that tells it, None where none does.
    """

    subject: str
    field: str
    old: int | str | None
    new: int | str | None
    log: Log | None = None


Settings = Mapping[tuple[str, str], int | str | None]
"""Parameters of a market by subject and field."""


def differences(old: Settings, new: Settings) -> Iterator[Changed]:
    """Yield each parameter that is not what it was, those of before first; no log tells them."""
    for place in dict.fromkeys((*old, *new)):
        if old.get(place) != new.get(place):
            yield Changed(*place, old.get(place), new.get(place))


@dataclass(frozen=True, slots=True)
class Fold:
    """What the logs of a block, or of several in a row, did.

    `put` are accounts as they now are, to the last unit. `reread` are those whose state the logs do not tell exactly;
    `appeared` are the ones among them that were not known before. `everyone`: somebody changed whom no log names, so
    that all accounts are to be read again.
    """

    put: tuple[Account, ...] = ()
    reread: tuple[PositionKey, ...] = ()
    appeared: tuple[PositionKey, ...] = ()
    liquidated: tuple[Liquidated, ...] = ()
    changed: tuple[Changed, ...] = ()
    everyone: bool = False


Known = Callable[[PositionKey], Account | None]
"""An account as it was before; None where it is not known exactly."""

M = TypeVar("M", bound=Market)


class Adapter(Protocol[M]):
    """One protocol."""

    @property
    def slug(self) -> str: ...
    @property
    def kind(self) -> Kind:
        """What its positions are, also those that could not be read."""

    def markets(self, deployment: Deployment) -> Ask[tuple[MarketKey, ...]]:
        """Return the deployment's markets; raises ReadError when the deployment is not what its roots say."""

    def market(self, deployment: Deployment, key: MarketKey) -> Ask[M]:
        """Return what the accounts of the market share at the moment of the read."""

    def again(self, market: M) -> Ask[M]:
        """Return the same market at the moment of the read; what holds between blocks is checked, not read anew."""

    def later(self, market: M, seconds: int) -> M | None:
        """Return the market after that many seconds in which nobody acts and no price moves: interest only.

        Its health of an account is the contract's own at that time, to the last unit; its moment is a moment that has
        not been. None where the protocol's interest cannot be told ahead, or is not known here.
        """

    def owned(self, market: M, owner: Address) -> Ask[tuple[PositionKey, ...]]:
        """Return the keys of an owner's positions in the market."""

    def accounts(self, market: M, keys: Sequence[PositionKey]) -> Ask[Accounts]:
        """Return the raw balances of the keys, in their order; a key whose read fails stands in `failed`."""

    def assess(self, market: M, account: Account, repricing: Repricing = PROTOCOL) -> Assessment:
        """Return the exact assessment under a repricing; an unknown price makes it `Unmeasurable`, never a number."""

    def health(self, market: M, account: Account, repricing: Repricing = PROTOCOL) -> Health:
        """Return the health that `assess` has under a repricing, and nothing else: the searches ask for many."""

    def quote(self, market: M, account: Account, repricing: Repricing = PROTOCOL) -> Quote | None:
        """Return the best liquidation a liquidator may take now; None where the position is not liquidatable now."""

    def adjusted(self, market: M, account: Account, leg: Leg, change_raw: int) -> Account:
        """Return the account after the owner repays (debt leg) or adds (collateral leg) that token amount.

        The stored balance changes with the contract's own rounding; repaying more than is owed repays all.
        """

    def closed_ways(self, market: M, leg: Leg, change_raw: int = 0) -> str | None:
        """Return why the owner cannot repay or add that amount of the leg now (paused, frozen, cap full).

        None when they can.
        """

    def compare(self, deployment: Deployment, key: MarketKey, keys: Sequence[PositionKey]) -> Ask[tuple[Mismatch, ...]]:
        """Return where our values differ from the contract's own views at the moment of the read."""


class Followed(Adapter[M], Protocol[M]):
    """A protocol whose accounts are found from logs and kept up to date by them."""

    @property
    def key_bytes(self) -> int:
        """How many bytes a position's key has: 20 where it is an address."""

    @property
    def has_owners(self) -> bool:
        """Whether accounts name an owner that is not their key."""

    @property
    def cells(self) -> Cells:
        """Which stored numbers are collateral and which are debt."""

    def factors(self, market: M, repricing: Repricing = PROTOCOL) -> Factors:
        """Return bounds of what each stored number is worth under a repricing, for the screen."""

    def debt_growth_wad(self, market: M, seconds: int) -> int:
        """Return the most that a debt the screen bounds can grow in that time by interest, as a part of it.

        Rounded up; `monitor.health.carry.raised_wad` says what it means for a line.
        """

    def discovery(self, deployment: Deployment, key: MarketKey) -> LogFilter:
        """Return the filter of the logs that name every account that can ever have been liquidatable."""

    def discovered(self, logs: Sequence[Log]) -> tuple[PositionKey, ...]:
        """Return the accounts that such logs name, each once, in their order."""

    def interests(self, market: M) -> LogFilter:
        """Return the filter of all logs that change an account or a parameter of the market."""

    def touched(self, market: M, logs: Sequence[Log]) -> tuple[PositionKey, ...]:
        """Return every account whose state the logs may have changed, each once."""

    def fold(self, before: M, market: M, known: Known, logs: Sequence[Log]) -> Fold:
        """Return what the logs between two moments of the market did to it and to its accounts."""

    def bears_on(self, market: M, change: Changed, account: Account) -> bool:
        """Return whether a changed parameter matters to the health of an account, its liquidation or its ways out."""

    def totals(self, market: M) -> Ask[Mapping[tuple[int, int], int]]:
        """Return what the balances of all accounts must add up to, by asset and kind, where the contract says it."""

    def totals_within_raw(self, market: M, total_raw: int, accounts: int) -> int:
        """Return how far the balances of so many accounts may be from such a total by the contract's own rounding.

        0 where they add up to it exactly.
        """


@runtime_checkable
class Pushes(Protocol):
    """A venue that says, over a connection that stays open, who has changed; what is true stays with the question."""

    def subscription(self, market: Any, key: PositionKey) -> str:
        """Return the message that asks for news of a position."""

    def pushed(self, message: str) -> tuple[PositionKey, ...]:
        """Return whose positions a message says have changed, none for another kind; raises UnexpectedAnswer."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the positions of a market, and from where the next ones are asked for; None after the last."""

    keys: tuple[PositionKey, ...]
    after: str | None = None


@runtime_checkable
class Enumerated(Protocol):
    """A protocol that lists its positions itself, so that nobody has to search logs for them."""

    def positions(self, market: Any, after: str | None = None) -> Ask[Page]:
        """Return a page of the keys of everyone with a position, the first without `after`; raises ReadError."""


@runtime_checkable
class NamesMarkets(Protocol):
    """A protocol whose markets logs name, too many and too old to be read with every listing."""

    def listing(self, deployment: Deployment) -> LogFilter:
        """Return the filter of the logs that name every market there ever was, none before `first_block`."""

    def listed(self, logs: Sequence[Log]) -> tuple[MarketKey, ...]:
        """Return the markets that such logs name and that can lend."""

    def used(self, deployment: Deployment, keys: Sequence[MarketKey]) -> Ask[tuple[MarketKey, ...]]:
        """Return those of the markets in which anybody owes anything; raises ReadError as `markets` does."""

    def lent(self, logs: Sequence[Log]) -> tuple[MarketKey, ...]:
        """Return the markets in which logs, found by what any market is interested in, say that somebody borrowed."""


@runtime_checkable
class ReadsOwners(Protocol):
    """A protocol that tells everything an owner holds in one answer, so that it need not be found before it is read."""

    def held(self, market: Any, owner: Address) -> Ask[Accounts]:
        """Return the accounts of everything that the owner holds in the market; raises ReadError."""
