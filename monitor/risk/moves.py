"""What-ifs by name: assets that are worth a part of what they are now, and what a market's prices become of it."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from monitor.domain.label import clean_symbol
from monitor.domain.prices import PROTOCOL, Node, Repricing, SidedValue, Value
from monitor.errors import UsageError
from monitor.pricing.graph import PriceGraph, on_collateral_side
from monitor.risk.factors import FIXED, Asset, Factors
from monitor.units import PPM, mul_div_down, mul_div_up, scaled_from_text

_PERCENT = re.compile(r"(?P<name>[^=]{1,80})=(?P<sign>[+\-−]?)(?P<percent>\d{1,6}(?:\.\d{1,4})?)\s*%")


@dataclass(frozen=True, slots=True)
class Shock:
    """What a class of assets, a token's symbol or a token's address is worth, in millionths of now."""

    name: str
    ratio_ppm: int

    @classmethod
    def from_text(cls, text: str) -> "Shock":
        """Return the shock that a person wrote, `ETH=-20%`; raises UsageError."""
        found = _PERCENT.fullmatch(text.strip())
        percent_ppm = scaled_from_text(found["percent"], 4) if found else 0
        ratio_ppm = PPM - percent_ppm if found and found["sign"] in {"-", "−"} else PPM + percent_ppm
        if not found or ratio_ppm < 0:
            raise UsageError(
                f"expected a shock such as ETH=-20% or 0x…=+5.5%, and no fall of more than 100 %, found {text[:80]!r}"
            )
        return cls(found["name"].strip(), ratio_ppm)


def is_named(asset: Asset, name: str) -> bool:
    """Return whether a person who says the name means the asset: its class, symbol, address, or the venue's name.

    A symbol is what the token says of itself: in a market that anybody may open, it proves nothing.
    """
    wanted = name.casefold()
    known = {asset.name.casefold(), asset.of.name.casefold()}
    if asset.token is not None:
        known.add((clean_symbol(asset.token.symbol) or "").casefold())
    return wanted in known


@dataclass(frozen=True, slots=True)
class Movable:
    """The prices of one market as its positions use them.

    An asset whose price is an input of the graph moves that input, and all that is made from it follows. One whose
    price is made from those of others moves by itself alone: its node becomes that part of now, whatever they do.
    """

    graph: PriceGraph
    factors: Factors

    @property
    def assets(self) -> tuple[Asset, ...]:
        """Every asset that values a position, and every other that moves a price; those of fixed price included."""
        known = {asset.name: asset for _, asset in self.factors.priced}
        for asset in self.factors.assets:
            known.setdefault(asset.name, asset)
        return tuple(known.values())

    def named(self, name: str) -> tuple[Asset, ...]:
        """Return the assets that a name means here, none where the market has none."""
        return tuple(asset for asset in self.assets if is_named(asset, name))

    def moved_by(self, shocks: Sequence[Shock]) -> Mapping[str, int]:
        """Return the ratio of each asset that a shock means; the last one counts where several do."""
        return {asset.name: shock.ratio_ppm for shock in shocks for asset in self.named(shock.name)}

    def repriced(self, ratios_ppm: Mapping[str, int], name: str = "shock") -> Repricing:
        """Return the repricing in which the assets, by name, are worth that many millionths of now, and no other moves.

        A price moves at least as far as that: it rounds away from now, and stays above zero.
        """
        asked = {asset: ratio for asset, ratio in ratios_ppm.items() if ratio != PPM}
        if not asked:
            return PROTOCOL
        own = {asset.name for asset in self.factors.assets}
        moved = self.factors.moved({one: (asked.get(one, PPM), PPM) for one in own}, name)
        nodes: dict[Node, Value | SidedValue] = {
            node: value for node, value in moved.nodes.items() if value != self.graph.values[node]
        }
        for node, ratio in self._made(own, asked):
            value = self.graph.values[node]
            if isinstance(value, int):
                nodes[node] = SidedValue(mul_div_down(value, ratio, PPM), mul_div_up(value, ratio, PPM))
        return Repricing(name, nodes)

    def nodes(self, asset: str) -> tuple[Node, ...]:
        """Return the nodes by which positions in the asset are valued."""
        return tuple(node for node, one in self.factors.priced if one.name == asset)

    def price(self, asset: str, repricing: Repricing) -> tuple[int, int] | None:
        """Return the asset's price under a repricing as collateral and its decimals, None where it is not known."""
        prices = self.graph.evaluate(repricing)
        for node in self.nodes(asset):
            value = on_collateral_side(prices[node])
            if isinstance(value, int):
                return value, self.graph.present[node].decimals
        return None

    def _made(self, own: Iterable[str], asked: Mapping[str, int]) -> Iterator[tuple[Node, int]]:
        """Yield the nodes of the assets whose price is made from those of others, with the ratio asked of each."""
        driven = set(own)
        for node, asset in self.factors.priced:
            is_fixed = self.graph.present[node].method == FIXED
            if asset.name in asked and asset.name not in driven and not is_fixed:
                yield node, asked[asset.name]
