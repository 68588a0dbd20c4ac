"""Which logs say that an account changed, and how accounts are found from them.

Contract files: Events.sol (euler-vault-kit), Events.sol (ethereum-vault-connector).
"""

from collections.abc import Iterable, Iterator

from monitor.abi import interface
from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, MarketKey, PositionKey
from monitor.protocols.euler_v2.market import Market
from monitor.protocols.euler_v2.reading import EVC_ROOT, root_of
from monitor.query import Log, LogFilter

VAULT = interface("euler_v2", "vault")
EVC = interface("euler_v2", "evc")
ORACLE = interface("euler_v2", "oracle")
TRANSFER = interface("shared", "erc20").events["Transfer"]
NOBODY = "0x" + 64 * "0"

CONTROLLER, COLLATERAL, CHECKED = (
    EVC.topics[name] for name in ("ControllerStatus", "CollateralStatus", "AccountStatusCheck")
)
DEBT_TOPICS = {
    **dict.fromkeys((VAULT.topics[name] for name in ("Borrow", "Repay", "InterestAccrued", "DebtSocialized")), (1,)),
    **dict.fromkeys((VAULT.topics[name] for name in ("PullDebt", "Liquidate")), (1, 2)),
}
"""Which topics of the vault's own events hold accounts whose debt they change."""
_GOVERNED = tuple(topic for name, topic in VAULT.topics.items() if name.startswith("GovSet"))


def discovery(deployment: Deployment, key: MarketKey) -> LogFilter:
    """Return the filter of the logs that name everyone who ever let the vault control their account.

    Without that nothing can be borrowed, and no debt taken over (Base.initOperation, EVCClient.validateController).
    """
    controller = "0x" + key[2:].rjust(64, "0")
    return LogFilter((root_of(deployment, EVC_ROOT),), ((CONTROLLER,), None, (controller,)))


def discovered(logs: Iterable[Log]) -> tuple[PositionKey, ...]:
    """Return those accounts, in the order of the first time."""
    return tuple(dict.fromkeys(account_in(log, 1) for log in logs))


def interests(market: Market) -> LogFilter:
    """Return the filter of all logs that change an account or a parameter: connector, vaults and the oracle."""
    layout = market.layout
    shares = (share.address for share in layout.shares)
    addresses = dict.fromkeys((layout.evc, market.address, layout.oracle, *shares, *layout.kit))
    told = (CONTROLLER, COLLATERAL, CHECKED, *DEBT_TOPICS, *_GOVERNED, TRANSFER.topic, *ORACLE.topics.values())
    return LogFilter(tuple(addresses), (told,))


def touched(market: Market, logs: Iterable[Log]) -> tuple[PositionKey, ...]:
    """Return the accounts that these logs may have changed, in the order they appear."""
    return tuple(dict.fromkeys(key for log in logs for key in (*reread_by(market, log), *moved_by(market, log))))


def reread_by(market: Market, log: Log) -> Iterator[PositionKey]:
    """Yield the accounts whose debt, collaterals or last check a log changes: it does not tell them exactly."""
    topic = log.topics[0]
    if log.address == market.address:
        yield from (account_in(log, place) for place in DEBT_TOPICS.get(topic, ()))
    elif log.address == market.layout.evc and topic in (CONTROLLER, CHECKED, COLLATERAL):
        other = Address(account_in(log, 2))
        if other == market.address or (topic == COLLATERAL and market.place_of(other) is not None):
            yield account_in(log, 1)


def moved_by(market: Market, log: Log) -> tuple[PositionKey, ...]:
    """Return the accounts whose shares of a collateral a log moves, sender and receiver."""
    if log.topics[0] != TRANSFER.topic or market.place_of(log.address) is None:
        return ()
    return tuple(account_in(log, place) for place in (1, 2) if log.topics[place] != NOBODY)


def account_in(log: Log, topic: int) -> PositionKey:
    """Return the account in a topic."""
    return PositionKey("0x" + log.topics[topic][-40:])
