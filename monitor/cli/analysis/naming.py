"""How markets, assets and currencies are named in the records of what-ifs."""

from typing import TYPE_CHECKING

from monitor.domain.ids import Address
from monitor.domain.label import safe_label
from monitor.domain.moment import At, BlockRef, time_ms

if TYPE_CHECKING:
    from monitor.cli.analysis.records import Record
    from monitor.cycle.step import Target
    from monitor.domain.ids import MarketKey
    from monitor.risk.factors import Asset


def place_of(target: "Target", market: "MarketKey", at: At) -> "Record":
    """Return the cells that say of which market, and when."""
    of = target.deployment
    return {
        "chain": of.chain,
        "protocol": of.protocol,
        "deployment": of.name,
        "market": market,
        "at_block": at.number if isinstance(at, BlockRef) else None,
        "at_time": time_ms(at) // 1000,
    }


def name_of(asset: "Asset") -> str:
    """Return an asset's symbol with its address, or the name of an exchange rate."""
    if asset.token is None:
        return asset.name
    return safe_label(asset.token.symbol, Address(asset.token.address))


def base_of(base_is_usd: bool, base: str | None) -> str:  # noqa: FBT001  # a fact of a market, not a switch
    """Return the currency in which a market counts."""
    return "USD" if base_is_usd else base or "its own unit"
