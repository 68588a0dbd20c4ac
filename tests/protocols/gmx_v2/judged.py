"""The rule of a liquidation worked out once more, with nothing of the program's arithmetic."""

from dataclasses import dataclass

from monitor.protocols.gmx_v2.market import State, Terms
from monitor.protocols.gmx_v2.positions import Position

ONE, FUNDING = 10**30, 10**45


@dataclass(frozen=True)
class Judged:
    """One position where no impact counts; `prices` are those of the index, the long and the short token."""

    position: Position
    terms: Terms
    state: State
    prices: tuple[tuple[int, int], ...]
    counts_tokens: bool
    is_stored: bool

    @property
    def price(self) -> int:
        return self.prices[2 if self.position.is_short_token else 1][0]

    @property
    def fee_raw(self) -> int:
        """The fee before its discount; less where closing leaves the sides closer together."""
        one, (low, high) = self.position, self.prices[0]
        sides = list(self.state.interest_usd)
        if self.counts_tokens:
            sides = [raw * ((low + high) // 2) for raw in self.state.interest_raw]
        before = abs(sides[0] - sides[1])
        sides[0 if one.is_long else 1] -= one.size_usd
        is_less = min(sides) >= 0 and abs(sides[0] - sides[1]) < before
        return one.size_usd * self.terms.fee_factor[0 if is_less else 1] // ONE // self.price

    @property
    def borrowing_raw(self) -> int:
        accrued = self.state.stored if self.is_stored else self.state.now
        factor = accrued.borrowing[0 if self.position.is_long else 1] - self.position.borrowing
        return self.position.size_usd * factor // ONE // self.price

    @property
    def funding_raw(self) -> int:
        accrued = self.state.stored if self.is_stored else self.state.now
        place = (0 if self.position.is_long else 2) + self.position.is_short_token
        owed = self.position.size_usd * (accrued.fees[place] - self.position.fees)
        return (owed + FUNDING - 1) // FUNDING

    @property
    def cost_raw(self) -> int:
        discount_raw = self.fee_raw * self.position.discount // ONE
        return self.fee_raw - discount_raw + self.borrowing_raw + self.funding_raw

    @property
    def pnl(self) -> int:
        one, (low, high) = self.position, self.prices[0]
        if one.is_long:
            pnl, side = (
                one.size_raw * low - one.size_usd,
                self.state.interest_raw[0] * high - self.state.interest_usd[0],
            )
        else:
            pnl, side = (
                one.size_usd - one.size_raw * high,
                self.state.interest_usd[1] - self.state.interest_raw[1] * low,
            )
        place = 0 if one.is_long else 1
        most = self.state.pool_raw[place] * self.prices[1 + place][0] * self.terms.most_pnl_factor[place] // ONE
        return pnl * most // side if pnl > 0 and side > most > 0 else pnl

    @property
    def left(self) -> int:
        assert not self.terms.most_impact_for_liquidations
        return (self.position.collateral_raw - self.cost_raw) * self.price + self.pnl

    @property
    def for_leverage(self) -> int:
        return self.position.size_usd * self.terms.least_factor_for_liquidation // ONE
