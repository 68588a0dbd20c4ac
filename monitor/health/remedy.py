"""What the owner can do: the least repayment or addition that reaches a target health, proven by the evaluator."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic

from monitor.domain.assessment import Assessment, Leg, Remedy, Side, Step
from monitor.domain.health import Health, Measured, NoDebt, Unmeasurable
from monitor.domain.label import safe_label
from monitor.domain.prices import Repricing
from monitor.health.boundary import flip, narrowed, nearly, widening
from monitor.health.judge import A, Judge, Keeping, M
from monitor.units import BPS, UINT128_MAX, UINT256_MAX, WAD, mul_div_up

_ROUNDED_RAW = 2
"""A stored balance and the amount it stands for differ by at most this much."""

View = tuple[Repricing, Assessment]
"""A repricing, and what the position is under it."""


def reaches(health: Health, target_wad: int) -> bool:
    """Whether a health is at the target or above, by the contract's own integer where it has one."""
    match health:
        case Measured():
            is_enough = health.numerator * WAD >= target_wad * health.denominator
            if health.native_factor_wad is not None:
                is_enough = health.native_factor_wad >= target_wad
            return is_enough and not health.is_past_line
        case NoDebt():
            return True
        case Unmeasurable():
            return False


def remedy(judge: Judge[M, A], market: M, account: A, target_wad: int, views: Sequence[View]) -> Remedy:
    """Return every single step that brings the position to the target in all the views given.

    A step is for one leg: the least amount to repay of a debt, or to add to a collateral, in raw token units; one unit
    less does not reach the target. `reaches_wad` is the health of the first view after it. A leg the protocol has
    closed, or that reaches the target by no amount, is named in `unavailable`; what cannot be taken out, in `kept`.
    Nothing to do where the position is at the target already.
    """
    for _, seen in views:
        if isinstance(seen.health, Unmeasurable):
            return Remedy(target_wad, (), (f"not known while the health is not: {seen.health.reason}",))
    if all(reaches(seen.health, target_wad) for _, seen in views):
        return Remedy(target_wad, ())
    steps: list[Step] = []
    unavailable: list[str] = []
    for leg in views[0][1].legs:
        way = _Way(judge, market, account, leg, target_wad, views)
        closed = judge.closed_ways(market, leg)
        amount_raw = None if closed else way.least_raw()
        closed = closed or (judge.closed_ways(market, leg, amount_raw) if amount_raw else way.failure)
        if amount_raw is None or closed:
            unavailable.append(f"{way.action} {safe_label(leg.token.symbol, leg.token.address)}: {closed}")
        else:
            steps.append(Step(way.action, leg.token, amount_raw, way.reaches_wad(amount_raw)))
    return Remedy(target_wad, tuple(steps), tuple(unavailable), _kept(judge, market, account, views[0][1].legs))


def _kept(judge: Judge[M, A], market: M, account: A, legs: Sequence[Leg]) -> tuple[str, ...]:
    if not isinstance(judge, Keeping):
        return ()
    held = [(leg.token, judge.kept(market, account, leg)) for leg in legs if leg.side is Side.COLLATERAL]
    return tuple(f"{safe_label(token.symbol, token.address)}: {why}" for token, why in held if why is not None)


@dataclass(frozen=True, slots=True)
class _Way(Generic[M, A]):
    """One leg of a position, changed by any amount."""

    judge: Judge[M, A]
    market: M
    account: A
    leg: Leg
    target_wad: int
    views: Sequence[View]
    _known: dict[tuple[str, int], Health] = field(default_factory=dict)

    @property
    def is_debt(self) -> bool:
        return self.leg.side is Side.DEBT

    @property
    def action(self) -> str:
        return "repay" if self.is_debt else "add"

    @property
    def failure(self) -> str:
        return "all of it does not suffice" if self.is_debt else "no amount of it suffices"

    def least_raw(self) -> int | None:
        """Return the least amount that reaches the target in every view, None where none does."""
        least = 0
        while True:
            unmet = next((view for view in reversed(self.views) if not self._reaches(view, least)), None)
            if unmet is None:
                return least
            found = self._least_above(least, unmet)
            if found is None:
                return None
            least = found

    def reaches_wad(self, change_raw: int) -> int:
        """Return the first view's health after the change; without debt what contracts say then, 2^256 - 1."""
        found = self._health(self.views[0], change_raw)
        if not isinstance(found, Measured):
            return UINT256_MAX
        return found.factor_wad_down if found.native_factor_wad is None else found.native_factor_wad

    def _least_above(self, low: int, view: View) -> int | None:
        leg = next((one for one in view[1].legs if _name(one) == _name(self.leg)), self.leg)
        guess, step = self._guess_raw(leg, view[1]), _value_step_raw(leg)
        high = self._sufficient(low, guess, view)
        if high is None:
            return None

        def holds(change_raw: int) -> bool:
            return self._reaches(view, change_raw)

        def margin(change_raw: int) -> int:
            found = self._health(view, change_raw)
            return found.numerator * WAD - self.target_wad * found.denominator if isinstance(found, Measured) else 0

        low, high = narrowed(holds, low, high, widening(guess, step))
        low, high = nearly(holds, margin, low, high, step)
        return flip(holds, low, high, _value_edges(leg, high))[1]

    def _guess_raw(self, leg: Leg, seen: Assessment) -> int:
        """Return the amount that would do if nothing were rounded."""
        health = seen.health
        if not isinstance(health, Measured) or not leg.value_base or not seen.debt_base or not leg.weight_bps:
            return 1
        missing = self.target_wad * health.denominator - health.numerator * WAD
        if self.is_debt:
            value = mul_div_up(seen.debt_base, missing, self.target_wad * health.denominator)
        else:
            value = mul_div_up(seen.debt_base * BPS, missing, WAD * health.denominator * leg.weight_bps)
        return max(mul_div_up(value, leg.amount_raw, leg.value_base), 1)

    def _sufficient(self, low: int, guess: int, view: View) -> int | None:
        """Return an amount that reaches the target: the guess, doubled until it does."""
        if not self.is_debt and not self.leg.weight_bps:
            return None
        most = self.leg.amount_raw if self.is_debt else UINT128_MAX
        amount = min(max(guess, low + 1), most)
        while not self._reaches(view, amount):
            if amount == most:
                return None
            amount = min(amount * 2, most)
        return amount if amount > low else None

    def _reaches(self, view: View, change_raw: int) -> bool:
        return reaches(self._health(view, change_raw), self.target_wad)

    def _health(self, view: View, change_raw: int) -> Health:
        if not change_raw:
            return view[1].health
        found = self._known.get((view[0].name, change_raw))
        if found is None:
            after = self.judge.adjusted(self.market, self.account, self.leg, change_raw)
            found = self._known[view[0].name, change_raw] = self.judge.health(self.market, after, view[0])
        return found


def _name(leg: Leg) -> tuple[Side, str, str]:
    return leg.side, leg.token.address, leg.label


def _value_step_raw(leg: Leg) -> int:
    """Return how many raw units of the leg's token are worth one base unit."""
    return max(leg.amount_raw // leg.value_base, 1) if leg.value_base else 1


def _value_edges(leg: Leg, change_raw: int) -> Iterator[int]:
    """Yield the amounts near a change at which the leg's value in base units steps, for values up and down rounded."""
    if not isinstance(leg.price, int) or leg.price <= 0:
        return
    unit, price = 10**leg.token.decimals, leg.price
    is_debt = leg.side is Side.DEBT
    value = (leg.amount_raw - change_raw if is_debt else leg.amount_raw + change_raw) * price // unit
    for near in (value, value - 1, value + 1, value - 2, value + 2):
        edges = (((near + 1) * unit - 1) // price, near * unit // price) if is_debt else (-(-near * unit // price),)
        for edge in edges:
            change = leg.amount_raw - edge if is_debt else edge - leg.amount_raw
            yield from range(change - 1 - _ROUNDED_RAW, change + 1 + _ROUNDED_RAW)
