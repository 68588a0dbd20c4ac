"""`hfm stress`: what becomes liquidatable when prices move together."""

import asyncio
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from rich.console import Console

from monitor.cli.analysis.records import EVERYWHERE, Record, Shown, Where, amount, markets, tell
from monitor.errors import UsageError

if TYPE_CHECKING:
    from monitor.cycle.shocks.stress import Stressed

_SHOWN = (
    "deployment", "market", "base", "accounts_now", "debt_now", "accounts_then", "collateral_then", "debt_then",
    "new_accounts", "new_collateral", "new_debt", "unknown",
)  # fmt: skip


def stress(
    *,
    shock: Annotated[tuple[str, ...], Parameter(negative=())] = (),
    where: Where = EVERYWHERE,
    keys: int = 20,
    format: Shown = "table",  # noqa: A002  # the word a user types
) -> int:
    """Tell what becomes liquidatable under joint shocks; leaves with 1 when anything does, 3 when some is unread.

    A shock moves a price of the protocol's own, and all that is made from it follows through its caps and ratios.

    Args:
        shock: ETH=-20%, by a class of config/risk.toml, a symbol or an address; may be given several times
        where: which positions, and when
        keys: how many of the accounts that become liquidatable are named, the largest debts first
        format: how it is printed
    """
    if not shock:
        raise UsageError("expected at least one shock: hfm stress --shock ETH=-20%")
    return asyncio.run(_stress(shock, where, keys, format))


async def _stress(
    texts: tuple[str, ...],
    where: Where,
    most_keys: int,
    shown: Shown,
) -> int:
    from monitor.cli import FINDING, OK, UNREAD
    from monitor.cycle.shocks.stress import stress as under
    from monitor.risk.moves import Shock

    shocks = [Shock.from_text(text) for text in texts]
    found, missed = await markets(where)
    stressed = [under(one, shocks, most_keys=most_keys) for one in found]
    tell([record_of(one) for one in stressed], shown, f"Under {', '.join(texts)}", _SHOWN)
    if shown == "table":
        for one in stressed:
            for key in one.keys:
                Console().print(f"{one.target.deployment.name} {key} becomes liquidatable", highlight=False)
    if not any(one.ratios_ppm for one in stressed):
        Console(stderr=True).print("no asset of these markets has such a name", markup=False)
    return UNREAD if missed else FINDING if any(one.entered.most.accounts for one in stressed) else OK


def record_of(one: "Stressed") -> Record:
    """Return a market under shocks as a record; `keys` are those of the accounts that become liquidatable."""
    from monitor.cli.analysis.naming import base_of, place_of

    return place_of(one.target, one.market, one.at) | {
        "base": base_of(one.base_is_usd, one.base),
        "accounts_now": one.now.most.accounts,
        "collateral_now": amount(one.now.most.collateral, one.unit),
        "debt_now": amount(one.now.most.debt, one.unit),
        "accounts_then": one.then.most.accounts,
        "collateral_then": amount(one.then.most.collateral, one.unit),
        "debt_then": amount(one.then.most.debt, one.unit),
        "new_accounts": one.entered.most.accounts,
        "new_collateral": amount(one.entered.most.collateral, one.unit),
        "new_debt": amount(one.entered.most.debt, one.unit),
        "unknown": one.then.unknown,
        "keys": " ".join(one.keys),
    }
