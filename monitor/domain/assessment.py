"""One position judged at one moment: legs, totals, both sides of the health ratio, blockers."""

from dataclasses import dataclass
from enum import StrEnum

from monitor.domain.health import Health, Measured, Unmeasurable
from monitor.domain.ids import Address, PositionId
from monitor.domain.moment import At
from monitor.domain.perp import Margin, PerpLeg
from monitor.domain.prices import Node, PriceUsed, Value
from monitor.domain.token import Token


class Kind(StrEnum):
    """What kind of position this is."""

    LENDING = "lending"
    PERP = "perp"
    OPTION = "option"


class Exactness(StrEnum):
    """How the arithmetic was proven."""

    EXACT = "exact"
    TRANSCRIBED = "transcribed"
    SDK = "sdk"
    API = "api"
    ESTIMATE = "estimate"


class Accrual(StrEnum):
    """Whether interest runs to the moment of the assessment or stops at the last stored index."""

    STORED = "stored"
    ACCRUED = "accrued"


class Side(StrEnum):
    """What a leg does to health."""

    COLLATERAL = "collateral"
    DEBT = "debt"


@dataclass(frozen=True, slots=True)
class Leg:
    """One balance of a position.

    `raw` is what the contract stores, `amount_raw` the token amount it stands for, `value_base` that amount in the
    market's base unit, `weight_bps` the liquidation threshold of a collateral leg (a debt leg has 10,000).
    """

    side: Side
    token: Token
    raw: int
    amount_raw: int
    price: Value
    value_base: int | None
    weight_bps: int
    node: Node
    label: str = ""


@dataclass(frozen=True, slots=True)
class Foreseen:
    """A price that the protocol has already decided on and will use from `from_s` on, and the health that it makes.

    `value` is what the node will answer. Where `from_s` has passed, anybody may bring it about now.
    """

    name: str
    node: Node
    value: int
    from_s: int
    health: Health


@dataclass(frozen=True, slots=True)
class Assessment:
    """A position at a moment under one repricing.

    `blockers` say why a position past its line cannot be liquidated now (paused, grace period, sentinel…); `forced`
    that it can be closed although solvent. `collateral_base` and `debt_base` are in `base_unit` units of the base
    currency (1e8 for an eight-decimal USD); None where a price is unknown.

    A perpetual account has `positions` and a `margin`; its `legs` are its collateral, `collateral_base` is what the
    venue counts of that, and `debt_base` the notional of all positions: what is at risk, as a loan's debt is.
    `sources` are the moments of everything an assessment was joined from where that is more than `at`, and `skew_s`
    how far apart they are.
    """

    id: PositionId
    owner: Address | None
    at: At
    kind: Kind
    margin_mode: str
    health: Health
    legs: tuple[Leg, ...]
    collateral_base: int | None
    debt_base: int | None
    base_unit: int
    base_is_usd: bool
    blockers: tuple[str, ...] = ()
    forced: bool = False
    exactness: Exactness = Exactness.EXACT
    accrual: Accrual = Accrual.ACCRUED
    prices: tuple[PriceUsed, ...] = ()
    repricing: str = "protocol"
    skew_s: int = 0
    foreseen: tuple[Foreseen, ...] = ()
    positions: tuple[PerpLeg, ...] = ()
    margin: Margin | None = None
    sources: tuple[At, ...] = ()

    @property
    def is_insolvent(self) -> bool:
        """Whether the position is past its line, liquidatable now or not."""
        return isinstance(self.health, Measured) and self.health.is_past_line

    @property
    def is_liquidatable_now(self) -> bool:
        """Whether a liquidation would go through in this state."""
        return (self.is_insolvent or self.forced) and not self.blockers


@dataclass(frozen=True, slots=True)
class LiquidationPrice:
    """The boundary on one node: the last safe and the first liquidatable answer, one unit apart.

    `direction` is "falls" or "rises"; `now` is the node's present answer.
    """

    node: Node
    token: Token | None
    decimals: int
    now: int
    last_safe: int
    first_liquidatable: int
    direction: str


@dataclass(frozen=True, slots=True)
class Moved:
    """One asset's part in a joint move, in millionths of its present price; `name` is its token's or its node's."""

    name: str
    token: Token | None
    move_ppm: int


@dataclass(frozen=True, slots=True)
class Nearness:
    """How near the line is when prices move together, each number rounded toward danger.

    `joint_ppm` is how far the market may move, everything else by its beta, with the position still safe;
    `joint_direction` is "falls" or "rises". `sigmas_ppm` is how many standard deviations of a time of `horizon_s` the
    likeliest way past the line takes, in millionths, and `likeliest` that way. Both are 0 past the line, and None where
    no such move leads there.
    """

    market: str
    joint_ppm: int | None
    joint_direction: str | None
    horizon_s: int
    sigmas_ppm: int | None
    likeliest: tuple[Moved, ...] = ()


@dataclass(frozen=True, slots=True)
class Quote:
    """What one liquidation call may take now: the most profitable pair of legs.

    Amounts are raw token units; `bonus_bps` is the premium over par, `protocol_fee_raw` in collateral units.
    `profit_base` is collateral received minus debt covered in the base unit.
    """

    debt: Token
    collateral: Token
    debt_to_cover_raw: int
    collateral_to_liquidator_raw: int
    protocol_fee_raw: int
    bonus_bps: int
    profit_base: int
    target: Address
    function: str
    arguments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One thing the owner can do, and the health it was proven to reach; `action` is "repay" or "add"."""

    action: str
    token: Token
    amount_raw: int
    reaches_wad: int


@dataclass(frozen=True, slots=True)
class Remedy:
    """How to reach the target health; `unavailable` says which ways the protocol's flags close.

    `kept` is the collateral that cannot be taken out now whatever the health is, with why, as far as the adapter knows.
    """

    target_wad: int
    steps: tuple[Step, ...]
    unavailable: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()


def unread(position: PositionId, owner: Address | None, at: At, kind: Kind, reason: str) -> Assessment:
    """Return the assessment of a position that could not be read: it exists, and nothing is known of it."""
    return Assessment(
        id=position,
        owner=owner,
        at=at,
        kind=kind,
        margin_mode="unknown",
        health=Unmeasurable(reason),
        legs=(),
        collateral_base=None,
        debt_base=None,
        base_unit=1,
        base_is_usd=False,
    )
