"""A market as it stands in its book: what its borrowers have and owe, its prices, and what its flags close."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite

from monitor.adapter import Market
from monitor.cycle.book import Book
from monitor.cycle.step import Target
from monitor.domain.assessment import Leg, Side
from monitor.domain.moment import At
from monitor.domain.prices import Node, PriceUsed
from monitor.domain.token import Token
from monitor.screen.scenarios import exposure, one_of_each

_EVERYONE_WAD = 2**200


@dataclass(frozen=True, slots=True)
class MarketAsset:
    """A token that positions of a market hold or owe.

    `weights_bps` are the least and the most of a collateral that counts, None where nobody holds any; `closed` says
    why an owner cannot repay or add now, by side.
    """

    token: Token
    weights_bps: tuple[int, int] | None
    is_debt: bool
    nodes: tuple[Node, ...]
    closed: Mapping[Side, str]


@dataclass(frozen=True, slots=True)
class MarketState:
    """A market at the moment of its book.

    `borrowers` and their sums in base units are the screen's, None where it knows none; `unknown` accounts are in
    none of them.
    """

    target: Target
    market: Market
    at: At
    accounts: int
    borrowers: int
    collateral_base: int | None
    debt_base: int | None
    unknown: int
    past_line: tuple[int, int]
    assets: tuple[MarketAsset, ...]
    prices: tuple[PriceUsed, ...]
    is_past_line_closed: str | None


def market_state(book: Book) -> MarketState:
    """Return the market of a book that has an outlook."""
    ledger, market, adapter = book.journal.ledger, book.market, book.adapter
    factors = adapter.factors(market)
    everyone = exposure(book.kernel, book.slots, [factors], _EVERYONE_WAD)
    past = exposure(book.kernel, book.slots, [factors])
    typical = list(ledger.accounts(one_of_each(book.slots, ledger.stale())))
    seen = [adapter.assess(market, account) for account in typical]
    blocked = {"; ".join(one.blockers) for one in seen if one.is_insolvent and one.blockers}
    return MarketState(
        target=book.target,
        market=market,
        at=market.at,
        accounts=len(ledger),
        borrowers=int(everyone.most_accounts[0]),
        collateral_base=_bounded(everyone.most_collateral[0], everyone.least_collateral[0]),
        debt_base=_bounded(everyone.most_debt[0], everyone.least_debt[0]),
        unknown=int(everyone.unknown[0]) + len(ledger.stale()),
        past_line=(int(past.least_accounts[0]), int(past.most_accounts[0])),
        assets=_assets(book, [leg for one in seen for leg in one.legs]),
        prices=market.prices,
        is_past_line_closed="; ".join(sorted(blocked)) or None,
    )


def _bounded(most: float, least: float) -> int | None:
    """Return the larger sum, the smaller one where the larger has no bound, None without either."""
    return next((int(one) for one in (most, least) if isfinite(one)), None)


def _assets(book: Book, legs: list[Leg]) -> tuple[MarketAsset, ...]:
    found = list[MarketAsset]()
    for token in dict.fromkeys(leg.token for leg in legs):
        own = [leg for leg in legs if leg.token == token]
        held = [leg.weight_bps for leg in own if leg.side is Side.COLLATERAL]
        closed = ((leg.side, book.adapter.closed_ways(book.market, leg)) for leg in own)
        found.append(
            MarketAsset(
                token=token,
                weights_bps=(min(held), max(held)) if held else None,
                is_debt=any(leg.side is Side.DEBT for leg in own),
                nodes=tuple(dict.fromkeys(leg.node for leg in own)),
                closed={side: why for side, why in closed if why is not None},
            )
        )
    return tuple(found)
