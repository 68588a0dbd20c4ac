"""What an answer is, and what follows from a position: its liquidation, its remedy, how near its line is."""

from functools import cached_property
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict

from monitor.domain.label import clean_symbol


class Answer(BaseModel):
    """A part of an answer; the whole of it is written once, however many ask for it."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    @cached_property
    def written(self) -> bytes:
        """The answer as JSON."""
        return self.model_dump_json().encode()


class TokenAnswer(Answer):
    """A token; only the address identifies it, and a symbol that cannot be shown is empty."""

    address: str
    symbol: Annotated[str, AfterValidator(lambda symbol: clean_symbol(symbol) or "")]
    decimals: int


class QuoteAnswer(Answer):
    """What one liquidation call may take now, with its target, function and arguments."""

    debt: TokenAnswer
    collateral: TokenAnswer
    debt_to_cover: str
    debt_to_cover_raw: str
    collateral_to_liquidator: str
    collateral_to_liquidator_raw: str
    protocol_fee_raw: str
    bonus_bps: int
    profit_base: str
    target: str
    function: str
    arguments: tuple[str, ...]


class StepAnswer(Answer):
    """One thing the owner can do, and the health it reaches."""

    action: str
    token: TokenAnswer
    amount: str
    amount_raw: str
    reaches: str


class RemedyAnswer(Answer):
    """How the owner reaches the target health, and which ways are closed."""

    target: str
    steps: tuple[StepAnswer, ...]
    unavailable: tuple[str, ...]


class MovedAnswer(Answer):
    """One asset's part in a joint move; `name` is its token's address or its price's own name."""

    name: str
    token: TokenAnswer | None
    move_pct: str


class NearnessAnswer(Answer):
    """How near the line is when prices move together; both are 0 past the line, null where no such move leads there.

    `joint_pct` is how far the `market` may move, everything else by its beta and stablecoins not at all. `sigmas` is
    how many standard deviations of `horizon_s` seconds the likeliest way past the line takes, and `likeliest` that way.
    """

    market: str
    joint_pct: str | None
    joint_direction: Literal["falls", "rises"] | None
    horizon_s: int
    sigmas: str | None
    likeliest: tuple[MovedAnswer, ...]
