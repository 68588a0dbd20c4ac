"""Interest: how a reserve's indices grow while nobody touches it, and the pool as it will be when nobody acts.

Contract files: ReserveLogic.sol, MathUtils.sol.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from monitor.protocols.aave_v2.math import compounded_interest_ray, linear_interest_ray, ray_mul_half_up
from monitor.units import WAD, mul_div_up

if TYPE_CHECKING:
    from monitor.protocols.aave_v2.market import Market, Reserve


@dataclass(frozen=True, slots=True)
class Interest:
    """Indices as stored at the reserve's last update, and the yearly rates that hold since."""

    supply_index_ray: int
    supply_rate_ray: int
    debt_index_ray: int
    debt_rate_ray: int
    since_s: int

    def supply_index_at(self, now_s: int) -> int:
        """ReserveLogic.getNormalizedIncome; a time before the last update counts as that update."""
        elapsed_s = max(now_s - self.since_s, 0)
        return ray_mul_half_up(linear_interest_ray(self.supply_rate_ray, elapsed_s), self.supply_index_ray)

    def debt_index_at(self, now_s: int) -> int:
        """ReserveLogic.getNormalizedDebt; a time before the last update counts as that update."""
        elapsed_s = max(now_s - self.since_s, 0)
        return ray_mul_half_up(compounded_interest_ray(self.debt_rate_ray, elapsed_s), self.debt_index_ray)

    def booked_debt_index_at(self, now_s: int) -> int:
        """Return the debt index that an act at that time stores.

        Where suppliers earn nothing the interest since the last update is not booked but forgotten
        (ReserveLogic._updateIndexes), although every view counts it until then.
        """
        return self.debt_index_at(now_s) if self.supply_rate_ray else self.debt_index_ray


def later(market: "Market", seconds: int) -> "Market":
    """Return the pool that many seconds on, if nobody acts and no price moves: every balance has its interest.

    Rates stay as they are, because they change with an act only. Its moment is this block with the later time.
    """
    at = replace(market.at, timestamp_s=market.at.timestamp_s + seconds)
    return replace(market, at=at, reserves=GrownReserves(market, at.timestamp_s), views=[])


def debt_growth_wad(market: "Market", seconds: int) -> int:
    """Return the most that a debt which an index tells can grow in that time by interest, as a part of it, rounded up.

    A stable debt grows by a rate of its own and is not in it.
    """
    now_s = market.at.timestamp_s + seconds
    return max((_growth_wad(reserve, now_s) for reserve in market.reserves.values()), default=0)


def _growth_wad(reserve: "Reserve", now_s: int) -> int:
    grown = reserve.interest.debt_index_at(now_s) - reserve.debt_index_ray
    return mul_div_up(max(grown, 0), WAD, reserve.debt_index_ray) if reserve.debt_index_ray else 0


class GrownReserves(Mapping[int, "Reserve"]):
    """The reserves of a pool at a later time, each made when it is first looked up: an account needs few of them."""

    def __init__(self, now: "Market", at_s: int) -> None:
        self.now, self._at_s = now, at_s

    def indices_ray(self, number: int) -> tuple[int, int]:
        """Return supply and debt index of a reserve at that time; raises KeyError when it is not listed."""
        interest = self.now.reserves[number].interest
        return interest.supply_index_at(self._at_s), interest.debt_index_at(self._at_s)

    def __getitem__(self, number: int) -> "Reserve":
        supply_ray, debt_ray = self.indices_ray(number)
        return replace(self.now.reserves[number], supply_index_ray=supply_ray, debt_index_ray=debt_ray)

    def __iter__(self) -> Iterator[int]:
        return iter(self.now.reserves)

    def __len__(self) -> int:
        return len(self.now.reserves)
