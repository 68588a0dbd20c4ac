"""Which logs say that an account changed, and how accounts are found from them."""

from collections.abc import Iterable, Iterator

from monitor.abi import interface
from monitor.domain.ids import Address, MarketKey, PositionKey
from monitor.errors import UnexpectedAnswer
from monitor.protocols.aave_v3.folding.telling import TOPICS, watched_contracts
from monitor.protocols.aave_v3.market import Market
from monitor.query import Ask, Failed, Log, LogFilter, Logs, ask_raw

_POOL = interface("aave_v3", "pool").topics
_TOKEN = interface("aave_v3", "reserve_token").topics
_STABLE = interface("aave_v3", "stable_debt_token").topics

_BORROW = _POOL["Borrow"]
_ACCOUNT_TOPICS = {
    _POOL["Supply"]: (2,),
    _POOL["Withdraw"]: (2,),
    _BORROW: (2,),
    _POOL["Repay"]: (2, 3),
    _POOL["UserEModeSet"]: (1,),
    _POOL["SwapBorrowRateMode"]: (2,),
    _POOL["RebalanceStableBorrowRate"]: (2,),
    _POOL["ReserveUsedAsCollateralEnabled"]: (2,),
    _POOL["ReserveUsedAsCollateralDisabled"]: (2,),
    _POOL["LiquidationCall"]: (3,),
    _POOL["DeficitCreated"]: (1,),
    _TOKEN["Mint"]: (2,),
    _TOKEN["Burn"]: (1,),
    _TOKEN["BalanceTransfer"]: (1, 2),
}
"""Which topics of each event hold accounts whose stored balances, bits or category it changes."""


def interests(market: Market) -> LogFilter:
    """Return the filter of all logs that change an account or a parameter of the pool: one request per block."""
    topics = (*_ACCOUNT_TOPICS, *_STABLE.values(), *TOPICS)
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
        if reserve.stable_debt_token is not None:
            yield reserve.stable_debt_token


def discovery(pool: MarketKey) -> LogFilter:
    """Return the filter of the logs that name everyone who ever borrowed from the pool.

    Debt cannot be transferred, so nobody with debt is missing.
    """
    return LogFilter((Address(pool),), ((_BORROW,),))


def discovered(logs: Iterable[Log]) -> tuple[PositionKey, ...]:
    """Return the accounts that borrowed, in the order of their first borrowing."""
    return tuple(dict.fromkeys(PositionKey("0x" + log.topics[2][-40:]) for log in logs))


def borrowers(pool: MarketKey, from_block: int) -> Ask[tuple[PositionKey, ...]]:
    """Return everyone who ever borrowed from the pool since a block."""
    (answer,) = yield from ask_raw(Logs(discovery(pool), from_block))
    if isinstance(answer, Failed) or not isinstance(answer, tuple):
        raise UnexpectedAnswer(f"expected the Borrow logs of {pool}, found {answer!r:.80}")
    return discovered(answer)
