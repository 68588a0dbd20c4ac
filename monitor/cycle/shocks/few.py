"""A market of which few accounts are known: a what-if evaluates each of them exactly, without a screen."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from monitor.adapter import Market
from monitor.cycle.shocks.screened import exact_of
from monitor.cycle.step import Target
from monitor.domain.assessment import Assessment
from monitor.domain.ids import PositionKey
from monitor.domain.prices import PROTOCOL, Node, Repricing
from monitor.ledger.accounts import Account
from monitor.ledger.columns import Rows, rows_of
from monitor.risk.curve import Bin, bins, exactly
from monitor.risk.factors import Asset, factors_of
from monitor.risk.model import RiskModel
from monitor.risk.moves import Movable
from monitor.screen.scenarios import Standing

Assess = Callable[[Account, Repricing], Assessment]


@dataclass(frozen=True, slots=True)
class Few:
    """Accounts by row, how each is assessed, and the nodes that value it; of `unread` more nothing is known.

    `movable` are the market's prices by name, None where nobody has anything.
    """

    target: Target
    market: Market
    accounts: Sequence[Account]
    assess: Assess
    movable: Movable | None
    valued_by: Sequence[frozenset[Node]]
    unread: int

    @classmethod
    def of(
        cls, target: Target, market: Market, accounts: Sequence[Account], assess: Assess, model: RiskModel, unread: int
    ) -> "Few":
        """Return accounts of one market as they were read last."""
        seen = [assess(account, PROTOCOL) for account in accounts]
        movable = Movable(market.graph, factors_of(model, market, *seen)) if seen else None
        return cls(target, market, accounts, assess, movable, tuple(map(_nodes, seen)), unread)

    def past(self, repricing: Repricing) -> Standing:
        """Return who is past the line under a repricing, nobody in doubt."""
        return self._standing(rows_of(range(len(self.accounts))), repricing, "")

    def bins(self, asset: Asset, ratios_ppm: Sequence[int], moves: Sequence[Repricing]) -> tuple[Bin, ...]:
        """Return the curve of the accounts that an asset's price has a part in."""
        ends = [self.market.graph.evaluate(move) for move in (moves[0], moves[-1])]
        now = self.market.graph.values
        moved = {node for end in ends for node, value in end.items() if value != now[node]}
        rows = rows_of(row for row, nodes in enumerate(self.valued_by) if nodes & moved)
        return bins(ratios_ppm, lambda place: self._standing(rows, moves[place], asset.name), self.unread)

    def keys(self, rows: Rows) -> list[PositionKey]:
        """Return the keys of the accounts in rows."""
        return [self.accounts[row].key for row in rows.tolist()]

    def _standing(self, rows: Rows, repricing: Repricing, token: str) -> Standing:
        return exactly({row: exact_of(self.assess(self.accounts[row], repricing), token) for row in rows.tolist()})


def _nodes(seen: Assessment) -> frozenset[Node]:
    indices = (held.index_node for held in seen.positions if held.index_node is not None)
    return frozenset((*(leg.node for leg in seen.legs), *(held.node for held in seen.positions), *indices))
