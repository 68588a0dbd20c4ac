"""What of an account is stored in which rows: by market, cTokens first, then the debt."""

from typing import NamedTuple

from monitor.ledger.accounts import Balance
from monitor.protocols.compound_v2.market import FLAT, INDEX, MINTED, PRINCIPAL, SCALED
from monitor.protocols.compound_v2.math import scaled_up
from monitor.units import WAD


class Debt(NamedTuple):
    """A debt as a cToken stores it (CToken.BorrowSnapshot)."""

    principal_raw: int
    at_index: int


def rows(place: int, kind: int, held: int | None, debt: Debt | None) -> tuple[Balance, ...]:
    """Return the stored numbers of one market in their order; membership is a row also where nothing is held."""
    cells = () if held is None else (Balance(place, kind, held),)
    if debt is None or not debt.principal_raw:
        return cells
    return (
        *cells,
        Balance(place, PRINCIPAL, debt.principal_raw),
        Balance(place, INDEX, debt.at_index),
        Balance(place, SCALED, scaled_up(*debt)),
    )


def minted_rows(minted_raw: int, at_index: int, bearing_raw: int) -> tuple[Balance, ...]:
    """Return the stored numbers of a minted debt in their order."""
    flat_raw = max(minted_raw - (at_index - WAD) * bearing_raw // WAD, 0)
    found = ((PRINCIPAL, minted_raw), (INDEX, at_index), (SCALED, bearing_raw), (FLAT, flat_raw))
    return tuple(Balance(MINTED, kind, raw) for kind, raw in found) if minted_raw else ()
