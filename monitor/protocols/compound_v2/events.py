"""Which logs say that an account changed, and how accounts are found from them."""

from collections.abc import Iterable, Iterator, Mapping

from monitor.abi import interface
from monitor.domain.ids import Address, MarketKey, PositionKey
from monitor.protocols.compound_v2.market import Market
from monitor.query import Log, LogFilter

_COMPTROLLER = interface("compound_v2", "comptroller").topics
_CTOKEN = interface("compound_v2", "ctoken").topics
_ISOLATED = interface("compound_v2", "venus_isolated").topics
_CORE = interface("compound_v2", "venus_core").topics
_CTOKEN_2019 = interface("compound_v2", "ctoken_2019").topics
NOBODY = "0x" + 40 * "0"

ENTERED, EXITED = _COMPTROLLER["MarketEntered"], _COMPTROLLER["MarketExited"]
TRANSFER, BORROW, REPAY = _CTOKEN["Transfer"], _CTOKEN["Borrow"], _CTOKEN["RepayBorrow"]
LIQUIDATE = _CTOKEN["LiquidateBorrow"]
SEIZED = _ISOLATED["ProtocolSeize"]
"""What Venus's isolated pools keep of what is seized: cTokens that are burned without a `Transfer`."""
UNLISTED = _ISOLATED["MarketUnlisted"]
MINTED_VAI, REPAID_VAI, LIQUIDATED_VAI = (_CORE[name] for name in ("MintVAI", "RepayVAI", "LiquidateVAI"))
POOL_SELECTED = _CORE["PoolSelected"]
READ_AGAIN = (ENTERED, EXITED, SEIZED, MINTED_VAI, REPAID_VAI, LIQUIDATED_VAI, POOL_SELECTED)
"""The events that name an account without telling all that they change of it."""
INDEX_WORD: Mapping[str, int] = {_CTOKEN["AccrueInterest"]: 2, _CTOKEN_2019["AccrueInterest"]: 1}
"""Which word of the two generations of `AccrueInterest` is the new borrow index."""
_ACCOUNTS: Mapping[str, tuple[int, ...]] = {
    ENTERED: (1,),
    EXITED: (1,),
    TRANSFER: (0, 1),
    BORROW: (0,),
    REPAY: (1,),
    LIQUIDATE: (1,),
    SEIZED: (0,),
    MINTED_VAI: (0,),
    REPAID_VAI: (1,),
    LIQUIDATED_VAI: (1,),
    POOL_SELECTED: (0,),
}
"""Which parameters of each event are accounts that it changes; some contracts index them and some do not."""
_OF_POOLS = ("NewCollateralFactor", "NewLiquidationThreshold", "NewLiquidationIncentive")
TERMS = {
    **{name: _COMPTROLLER[name] for name in ("MarketListed", "NewCloseFactor", "NewCollateralFactor", "NewSupplyCap")},
    **{name: _COMPTROLLER[name] for name in ("NewLiquidationIncentive", "NewPriceOracle")},
    **{name: _CTOKEN[name] for name in ("NewReserveFactor", "NewMarketInterestRateModel", "NewProtocolSeizeShare")},
    **{name: _ISOLATED[name] for name in ("MarketSupported", "MarketUnlisted", "NewLiquidationThreshold")},
    **{name: _ISOLATED[name] for name in ("NewMinLiquidatableCollateral", "IsForcedLiquidationEnabledUpdated")},
    "ActionPausedMarket": _ISOLATED["ActionPausedMarket"],
    **{f"{name} of a pool": _CORE[name] for name in _OF_POOLS},
    **{name: _CORE[name] for name in ("PoolMarketInitialized", "PoolMarketRemoved", "PoolActiveStatusUpdated")},
    **{name: _CORE[name] for name in ("PoolFallbackStatusUpdated", "ActionProtocolPaused", "NewLiquidatorContract")},
    "ActionPausedMarket of a pool": _CORE["ActionPausedMarket"],
    "NewImplementation": _COMPTROLLER["NewImplementation"],
    "ActionPaused": interface("compound_v2", "comptroller_pauses").topics["ActionPaused"],
    "ActionPaused of all": interface("compound_v2", "comptroller_pauses_all").topics["ActionPaused"],
}
"""The events that tell changed terms."""


def discovery(comptroller: MarketKey) -> LogFilter:
    """Return the filter of the logs that name everyone who ever entered a market.

    Nobody owes in a market that they have not entered: borrowing enters it (Comptroller.borrowAllowed), and it cannot
    be left with a debt (exitMarket).
    """
    return LogFilter((Address(comptroller),), ((ENTERED,),))


def discovered(logs: Iterable[Log]) -> tuple[PositionKey, ...]:
    """Return who entered, in the order of the first time."""
    return tuple(dict.fromkeys(PositionKey(address_at(log, 1)) for log in logs))


def interests(market: Market) -> LogFilter:
    """Return the filter of all logs that change an account or a term: of the comptroller and of every cToken."""
    topics = (*_ACCOUNTS, *INDEX_WORD, *dict.fromkeys(TERMS.values()))
    minters = () if market.minted is None else (market.minted.asset.ctoken.address,)
    return LogFilter((market.comptroller, *market.layout.assets, *minters), (topics,))


def touched(market: Market, logs: Iterable[Log]) -> tuple[PositionKey, ...]:
    """Return the accounts that these logs may have changed, in the order they appear."""
    return tuple(dict.fromkeys(key for log in logs for key in _named(market, log)))


def address_at(log: Log, place: int) -> Address:
    """Return the parameter at a place as an address, whether it is a topic or not; all before it are of one word."""
    return Address("0x" + _word(log, place)[-40:])


def number_at(log: Log, place: int) -> int:
    """Return the parameter at a place as a number."""
    return int(_word(log, place), 16)


def _word(log: Log, place: int) -> str:
    indexed = log.topics[1:]
    if place < len(indexed):
        return indexed[place][2:]
    start = 32 * (place - len(indexed))
    return log.data[start : start + 32].hex()


def _named(market: Market, log: Log) -> Iterator[PositionKey]:
    speaker = log.address.lower()
    if speaker != market.comptroller and market.asset_of(speaker) is None:
        return
    for place in _ACCOUNTS.get(log.topics[0], ()):
        account = address_at(log, place)
        if account != NOBODY and account not in market.layout.assets:
            yield PositionKey(account)
