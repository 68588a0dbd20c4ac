"""Which logs say that an account changed, how accounts are found from them, and what a block did to the market."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict

from monitor.abi import interface
from monitor.adapter import Changed, Fold, Known, Liquidated, differences
from monitor.domain.ids import Address, MarketKey, PositionKey
from monitor.ledger.accounts import Account
from monitor.protocols.synthetix_v3.market import USD, Market
from monitor.query import Log, LogFilter

_HOUSE, _TOKEN = interface("synthetix_v3", "perps_market"), interface("synthetix_v3", "account_token")
_SETTLED, _GIVEN = _HOUSE.topics["OrderSettled"], _TOKEN.topics["Transfer"]
_ACCOUNT: Mapping[str, int] = {
    _SETTLED: 2,
    _HOUSE.topics["OrderCancelled"]: 2,
    _HOUSE.topics["CollateralModified"]: 1,
    _HOUSE.topics["DebtPaid"]: 1,
    _HOUSE.topics["InterestCharged"]: 1,
    _HOUSE.topics["AccountFlaggedForLiquidation"]: 1,
    _HOUSE.topics["AccountLiquidationAttempt"]: 1,
    _HOUSE.topics["AccountMarginLiquidation"]: 1,
    _HOUSE.topics["PositionLiquidated"]: 1,
    _GIVEN: 3,
}
"""Which topic of each event holds the account that it changes."""
_NOBODY = Address("0x" + "00" * 20)
"""No log of a liquidation says who sent it."""


def discovery(house: MarketKey) -> LogFilter:
    """Return the filter of the logs that name everyone who ever traded: nobody else has a position or a debt."""
    return LogFilter((Address(house),), ((_SETTLED,),))


def interests(market: Market) -> LogFilter:
    """Return the filter of all logs that change an account or its owner; parameters are read with every block."""
    contracts = market.layout.contracts
    return LogFilter((contracts.perps_market, contracts.account_token), (tuple(_ACCOUNT),))


def touched(logs: Iterable[Log]) -> tuple[PositionKey, ...]:
    """Return the accounts that these logs name, in the order they appear; an NFT's number may be no account's."""
    named = ((log, _ACCOUNT.get(log.topics[0])) for log in logs)
    words = (log.topics[place] for log, place in named if place is not None)
    return tuple(dict.fromkeys(PositionKey("0x" + word[-32:]) for word in words if not int(word[:-32], 16)))


def fold(before: Market, market: Market, known: Known, logs: Sequence[Log]) -> Fold:
    """Return what the logs between two moments did: whom they name is read again, everyone else is as before.

    What is stored of a position changes only with a log; funding and interest follow from the market.
    """
    traders = set(touched(log for log in logs if log.topics[0] == _SETTLED))
    reread = tuple(key for key in touched(logs) if known(key) is not None or key in traders)
    return Fold(
        reread=reread,
        appeared=tuple(key for key in reread if known(key) is None),
        liquidated=tuple(_liquidated(market, logs)),
        changed=tuple(differences(_settings(before), _settings(market))),
    )


def bears_on(market: Market, change: Changed, account: Account) -> bool:
    """Return whether a changed parameter matters to an account: one of a market or a collateral to its holders."""
    places = {f"market {one.id}": one.place for one in market.traded.values()}
    places |= {str(coin.token.address): coin.place for coin in market.coins.values()}
    place = places.get(change.subject)
    held = {balance.asset for balance in account.balances}
    return any(one % 2 for one in held) if place is None else place in held


def _liquidated(market: Market, logs: Iterable[Log]) -> Iterator[Liquidated]:
    """Yield what was taken of each position, in units of its asset, and what was seized of who had none, in dollars."""
    usd = market.coins[USD].token
    tokens = {one.id: one.token for one in market.traded.values()}
    for log in logs:
        if log.topics[0] == _HOUSE.topics["PositionLiquidated"]:
            account_id, market_id, amount, _ = _HOUSE.events["PositionLiquidated"].values(log)
            token = tokens.get(int(market_id))
            if token is not None and amount:
                key = PositionKey(f"0x{int(account_id):032x}")
                yield Liquidated(key, token.address, usd.address, int(amount), 0, _NOBODY, log, collateral_token=token)
        elif log.topics[0] == _HOUSE.topics["AccountMarginLiquidation"]:
            account_id, seized, _ = _HOUSE.events["AccountMarginLiquidation"].values(log)
            key = PositionKey(f"0x{int(account_id):032x}")
            yield Liquidated(key, usd.address, usd.address, int(seized), 0, _NOBODY, log)


Told = int | str | None


def _settings(market: Market) -> dict[tuple[str, str], Told]:
    house = str(market.key)
    guards = ("least keeper reward", "least keeper profit", "most keeper reward", "most keeper part of margin")
    found: dict[tuple[str, str], Told] = {
        (house, name): value for name, value in zip(guards, market.guards, strict=True)
    }
    found[house, "collateral reward ratio"] = market.collateral_reward_ratio
    found[house, "closed"] = None if market.is_closed is None else int(market.is_closed)
    for one in market.traded.values():
        terms = asdict(one.terms) | {"liquidation window": one.window}
        found |= {(f"market {one.id}", name.replace("_", " ")): value for name, value in terms.items()}
    for coin in market.coins.values():
        terms = {"cap": coin.cap_raw, "skew scale": coin.skew_scale, "discount scalar": coin.scalar}
        terms |= {"least discount": coin.lower, "most discount": coin.upper}
        found |= {(str(coin.token.address), name): value for name, value in terms.items()}
    return found
