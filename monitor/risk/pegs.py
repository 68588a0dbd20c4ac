"""What everything that a loan holds and owes is worth about the same of, by the classes of its tokens."""

from collections.abc import Iterable
from dataclasses import dataclass

from monitor.domain.assessment import Assessment, Kind, Leg, Side
from monitor.risk.model import RiskModel

DUST = 1_000
"""Strangers worth at most this part of their side do not count: anybody may give an account a little of anything."""
_FEW = 100
"""From this part of their side on, no price makes dust of strangers without being seen in the health."""


@dataclass(frozen=True, slots=True)
class Peg:
    """The peg of a loan, empty where it has none, and whether prices alone may change that soon."""

    name: str
    is_by_value: bool = False


NO_PEG = Peg("")


def peg_of(model: RiskModel, seen: Assessment) -> Peg:
    """Return what all legs of a loan that count are worth about the same of, on both sides.

    A token that nobody has classified, and one whose class has no peg, is a stranger; so is one of another peg. Where
    the value of a leg is not known, no stranger is dust.
    """
    if seen.kind is not Kind.LENDING:
        return NO_PEG
    held = [
        (leg.side, model.of(seen.id.chain, leg.token.address).peg, leg.value_base) for leg in seen.legs if counts(leg)
    ]
    by_side = [{peg for of, peg, _ in held if of is side} for side in Side]
    shared = sorted(set.intersection(*by_side) - {""})
    if not shared:
        return NO_PEG
    if all(len(pegs) == 1 for pegs in by_side):
        return Peg(shared[0])
    part, name = min((max(_strangers_part(held, side, peg) for side in Side), peg) for peg in shared)
    return Peg(name if part * DUST <= _ALL else "", is_by_value=part * _FEW <= _ALL)


_ALL = 10**9


def counts(leg: Leg) -> bool:
    """Whether the leg counts for the health."""
    return leg.value_base != 0 and (leg.side is Side.DEBT or leg.weight_bps > 0)


def _strangers_part(held: Iterable[tuple[Side, str, int | None]], side: Side, name: str) -> int:
    """Return the part of a side, of `_ALL` and rounded up, that is of another peg; `_ALL` where a value is unknown."""
    total = strange = 0
    for of, peg, value in held:
        if of is side:
            if value is None:
                return _ALL
            total += value
            strange += value * (peg != name)
    return -(-strange * _ALL // total)
