"""Which logs say that an account changed, and how accounts are found from them."""

from collections.abc import Iterable, Iterator, Mapping

from monitor.abi import interface
from monitor.domain.ids import Address, MarketKey, PositionKey
from monitor.protocols.aave_v2.folding.telling import TOPICS, watched_contracts
from monitor.protocols.aave_v2.market import Market
from monitor.query import Log, LogFilter

_POOL = interface("aave_v2", "lending_pool").topics
_A_TOKEN = interface("aave_v2", "a_token").topics
_VARIABLE = interface("aave_v2", "variable_debt_token").topics
_STABLE = interface("aave_v2", "stable_debt_token").topics

_BORROW = _POOL["Borrow"]
_ACCOUNT_TOPICS: Mapping[str, tuple[int, ...]] = {
    _POOL["Deposit"]: (2,),
    _POOL["Withdraw"]: (2,),
    _BORROW: (2,),
    _POOL["Repay"]: (2,),
    _POOL["Swap"]: (2,),
    _POOL["RebalanceStableBorrowRate"]: (2,),
    _POOL["ReserveUsedAsCollateralEnabled"]: (2,),
    _POOL["ReserveUsedAsCollateralDisabled"]: (2,),
    _POOL["LiquidationCall"]: (3,),
    _A_TOKEN["Mint"]: (1,),
    _A_TOKEN["Burn"]: (1,),
    _A_TOKEN["BalanceTransfer"]: (1, 2),
    _VARIABLE["Mint"]: (2,),
    _VARIABLE["Burn"]: (1,),
    _STABLE["Mint"]: (2,),
    _STABLE["Burn"]: (1,),
}
"""Which topics of each event hold accounts whose stored balances or bits it changes."""


def interests(market: Market) -> LogFilter:
    """Return the filter of all logs that change an account or a parameter of the pool: one request per block."""
    topics = (*_ACCOUNT_TOPICS, *TOPICS)
    return LogFilter((market.pool, *_tokens(market), *watched_contracts(market)), (tuple(dict.fromkeys(topics)),))


def touched(market: Market, logs: Iterable[Log]) -> tuple[PositionKey, ...]:
    """Return the accounts that these logs may have changed, in the order they appear: all that folding can touch."""
    ours = {market.pool, *_tokens(market)}
    keys = (
        PositionKey("0x" + log.topics[topic][-40:])
        for log in logs
        if log.address.lower() in ours
        for topic in _ACCOUNT_TOPICS.get(log.topics[0], ())
    )
    return tuple(dict.fromkeys(keys))


def _tokens(market: Market) -> Iterator[Address]:
    for reserve in market.reserves.values():
        yield reserve.a_token
        yield reserve.variable_debt_token
        yield reserve.stable_debt_token


def discovery(pool: MarketKey) -> LogFilter:
    """Return the filter of the logs that name everyone who ever borrowed from the pool.

    Debt cannot be transferred, so nobody with debt is missing; a flash loan that becomes a debt is told as well.
    """
    return LogFilter((Address(pool),), ((_BORROW,),))


def discovered(logs: Iterable[Log]) -> tuple[PositionKey, ...]:
    """Return the accounts that borrowed, in the order of their first borrowing."""
    return tuple(dict.fromkeys(PositionKey("0x" + log.topics[2][-40:]) for log in logs))
