"""What an owner has in all, loans and perpetuals together."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from rich.text import Text

from monitor.cli.printing.tables import money, short
from monitor.domain.row import Row


def totals(rows: Sequence[Row]) -> Text:
    """Return a line for each owner with several positions: sums in dollars, and which is nearest to liquidation.

    What is not known in dollars is counted, never taken for nothing.
    """
    owners = dict.fromkeys(str(row["owner"] or row["key"]) for row in rows)
    by_owner = {owner: [row for row in rows if str(row["owner"] or row["key"]) == owner] for owner in owners}
    lines = [f"{short(owner)} in all: {_sums(own)}" for owner, own in by_owner.items() if len(own) > 1]
    return Text("\n".join(lines), style="bold")


def _sums(rows: Sequence[Row]) -> str:
    return "; ".join((f"{len(rows)} positions", *_known(rows), *_nearest(rows)))


def _known(rows: Sequence[Row]) -> Iterator[str]:
    known = [row for row in rows if row["equity_usd"] is not None]
    loans = sum((Decimal(str(row["debt_usd"])) for row in known if row["kind"] != "perp"), Decimal(0))
    notional = sum((Decimal(str(row["debt_usd"])) for row in known if row["kind"] == "perp"), Decimal(0))
    equity = sum((Decimal(str(row["equity_usd"])) for row in known), Decimal(0))
    if known:
        yield f"equity ${money(equity)}, owed ${money(loans)}, perpetual notional ${money(notional)}"
    if len(known) < len(rows):
        yield f"{len(rows) - len(known)} not known in dollars and not counted"


def _nearest(rows: Sequence[Row]) -> Iterator[str]:
    apart = [row for row in rows if row["distance_pct"] is not None]
    if apart:
        nearest = min(apart, key=lambda row: Decimal(str(row["distance_pct"])))
        yield f"nearest to liquidation is {nearest['deployment']}, {nearest['distance_pct']} % away"
