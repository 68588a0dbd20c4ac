"""Which logs say that an account changed, how accounts are found from them, and what a block did to the house."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict

from monitor.abi import interface
from monitor.adapter import Changed, Fold, Known, Liquidated, differences
from monitor.domain.ids import Address, MarketKey, PositionKey
from monitor.ledger.accounts import Account
from monitor.protocols.perp_v2.market import Market
from monitor.query import Log, LogFilter

_HOUSE, _VAULT = interface("perp_v2", "clearing_house"), interface("perp_v2", "vault")
_BALANCE, _REGISTRY = interface("perp_v2", "account_balance"), interface("perp_v2", "market_registry")
_MANAGER, _CONFIG = interface("perp_v2", "collateral_manager"), interface("perp_v2", "config")
_BASE = interface("perp_v2", "base_token")

POOL, COLLATERAL = _REGISTRY.topics["PoolAdded"], _MANAGER.topics["CollateralAdded"]
LISTED = (POOL, COLLATERAL)
_PERSON: Mapping[str, int] = {
    _HOUSE.topics["PositionChanged"]: 1,
    _HOUSE.topics["PositionClosed"]: 1,
    _HOUSE.topics["PositionLiquidated"]: 1,
    _HOUSE.topics["LiquidityChanged"]: 1,
    _HOUSE.topics["FundingPaymentSettled"]: 1,
    _VAULT.topics["Deposited"]: 2,
    _VAULT.topics["Withdrawn"]: 2,
    _VAULT.topics["CollateralLiquidated"]: 1,
    _VAULT.topics["BadDebtSettled"]: 1,
    _BALANCE.topics["PnlRealized"]: 1,
}
"""Which topic of each event holds the account that it changes."""
_TOLD = tuple(topic for one in (_MANAGER, _CONFIG, _BASE) for topic in one.topics.values())
_PAUSES = (_HOUSE.topics["Paused"], _HOUSE.topics["Unpaused"], POOL)


def discovery(house: MarketKey) -> LogFilter:
    """Return the filter of the logs that name everyone who ever traded or made a market.

    Without a position nothing can be liquidated but collateral, against a debt that only a position leaves behind.
    """
    names = ("PositionChanged", "LiquidityChanged")
    return LogFilter((Address(house),), (tuple(_HOUSE.topics[name] for name in names),))


def discovered(logs: Iterable[Log]) -> tuple[PositionKey, ...]:
    """Return who traded, in the order of the first time."""
    return tuple(dict.fromkeys(PositionKey("0x" + log.topics[1][-40:]) for log in logs))


def listed(logs: Iterable[Log]) -> tuple[tuple[Address, ...], tuple[Address, ...]]:
    """Return the markets (base tokens) and the collaterals that logs list, in the order of their listing."""
    found = [(log.topics[0], Address("0x" + log.topics[1][-40:])) for log in logs if log.topics[0] in LISTED]
    bases = dict.fromkeys(one for topic, one in found if topic == POOL)
    return tuple(bases), tuple(dict.fromkeys(one for topic, one in found if topic == COLLATERAL))


def interests(market: Market) -> LogFilter:
    """Return the filter of all logs that change an account or a parameter of the house."""
    made = asdict(market.layout.contracts)
    bases = (base.address for base in market.layout.bases)
    return LogFilter((*(Address(one) for one in made.values()), *bases), ((*_PERSON, *_TOLD, *_PAUSES),))


def touched(logs: Iterable[Log]) -> tuple[PositionKey, ...]:
    """Return the accounts that these logs may have changed, in the order they appear."""
    named = ((log, _PERSON.get(log.topics[0])) for log in logs)
    keys = (PositionKey("0x" + log.topics[place][-40:]) for log, place in named if place is not None)
    return tuple(dict.fromkeys(keys))


def fold(before: Market, market: Market, known: Known, logs: Sequence[Log]) -> Fold:
    """Return what the logs between two moments of the house did.

    Funding runs for everyone who has a position and no log tells how much, and a trade moves what every maker holds:
    so everyone is read again whenever time has passed.
    """
    reread = tuple(key for key in touched(logs) if known(key) is not None or _trades(logs, key))
    return Fold(
        reread=reread,
        appeared=tuple(key for key in reread if known(key) is None),
        liquidated=tuple(_liquidated(market, logs)),
        changed=tuple(differences(_settings(before), _settings(market))),
        everyone=market.at.timestamp_s > before.at.timestamp_s,
    )


def bears_on(market: Market, change: Changed, account: Account) -> bool:
    """Return whether a changed parameter matters to an account: one of a market or a collateral to its holders."""
    place = market.places.get(change.subject)
    held = {balance.asset for balance in account.balances}
    return any(one % 2 for one in held) if place is None else place in held


def _trades(logs: Iterable[Log], key: PositionKey) -> bool:
    named = (_HOUSE.topics["PositionChanged"], _HOUSE.topics["LiquidityChanged"])
    return any(log.topics[0] in named and log.topics[1][-40:] == key[2:] for log in logs)


def _liquidated(market: Market, logs: Iterable[Log]) -> Iterator[Liquidated]:
    """Yield each position taken over, in units of its base token, and each collateral sold."""
    settlement = market.layout.settlement
    tokens = {base.address: base for base in market.layout.bases}
    for log in logs:
        if log.topics[0] == _HOUSE.topics["PositionLiquidated"]:
            trader, base, notional, size, _, liquidator = _HOUSE.events["PositionLiquidated"].values(log)
            repaid_raw = int(notional) // 10 ** (18 - settlement.decimals)
            yield Liquidated(
                PositionKey(str(trader)),
                Address(str(base)),
                settlement.address,
                int(size),
                repaid_raw,
                Address(str(liquidator)),
                log,
                collateral_token=tokens.get(Address(str(base))),
            )
        elif log.topics[0] == _VAULT.topics["CollateralLiquidated"]:
            trader, token, liquidator, amount, repaid, _, _ = _VAULT.events["CollateralLiquidated"].values(log)
            yield Liquidated(
                PositionKey(str(trader)),
                Address(str(token)),
                settlement.address,
                int(amount),
                int(repaid),
                Address(str(liquidator)),
                log,
            )


Told = int | str | None


def _settings(market: Market) -> dict[tuple[str, str], Told]:
    house = str(market.key)
    found: dict[tuple[str, str], Told] = {(house, name): value for name, value in asdict(market.ratios).items()}
    found |= {(house, f"sale of collateral: {name}"): value for name, value in asdict(market.sale).items()}
    found[house, "paused"] = None if market.is_paused is None else int(market.is_paused)
    for one in market.traded.values():
        found[one.token.address, "status"] = one.status.value
    for coin in market.coins.values():
        found[coin.token.address, "collateral ratio ppm"] = coin.ratio_ppm
        found[coin.token.address, "deposit cap"] = coin.deposit_cap_raw
    return found
