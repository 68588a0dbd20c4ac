"""The shape of deployments and markets."""

from collections.abc import Mapping
from typing import Literal

from monitor.client.wire.answer import Answer, TokenAnswer
from monitor.client.wire.position import ShockedAnswer


class DeploymentAnswer(Answer):
    """How far and how well a deployment is followed.

    `age_s` is the age of the chain's moment, `committed_age_s` that of our last whole read; `is_current` says whether
    that read is within the deployment's limit, null where none is set.
    """

    name: str
    protocol: str
    chain: str
    at_block: int | None
    at_hash: str | None
    at_time: int
    age_s: int
    committed_age_s: int
    is_current: bool | None
    positions: int
    measured: int
    no_debt: int
    unmeasurable: int
    levels: Mapping[str, int]


class Deployments(Answer):
    """Every deployment that was ever followed."""

    items: tuple[DeploymentAnswer, ...]


class PriceAnswer(Answer):
    """One node of a market's price graph: its price in the base currency, and what a reader needs to judge it."""

    node: str
    price: str | None
    source: str
    method: str
    age_s: int | None
    labels: tuple[str, ...]


class AssetAnswer(Answer):
    """A token that positions hold or owe; the weights are the share of it that counts, over all categories.

    `closed_collateral` and `closed_debt` say why an owner cannot add or repay now, null where they can.
    """

    token: TokenAnswer
    nodes: tuple[str, ...]
    is_debt: bool
    least_weight_bps: int | None
    most_weight_bps: int | None
    closed_collateral: str | None
    closed_debt: str | None


class MarketAnswer(Answer):
    """One market that is followed as a whole, at its moment.

    `borrowers` and the sums are the screen's estimates; `unknown` accounts are in none of them. Between
    `least_past_line` and `most_past_line` accounts are past their line; `blocked` says what keeps them from being
    liquidated. `levels` counts the positions that were judged.
    """

    chain: str
    protocol: str
    deployment: str
    market: str
    at_block: int | None
    at_hash: str | None
    at_time: int
    age_s: int
    accounts: int
    borrowers: int
    unknown: int
    base_unit: str
    base_is_usd: bool
    collateral_base: str | None
    debt_base: str | None
    collateral_usd: str | None
    debt_usd: str | None
    least_past_line: int
    most_past_line: int
    blocked: str | None
    levels: Mapping[str, int]
    assets: tuple[AssetAnswer, ...]
    prices: tuple[PriceAnswer, ...]


class Markets(Answer):
    """Every market that is followed as a whole and could be read."""

    items: tuple[MarketAnswer, ...]


class TallyAnswer(Answer):
    """Accounts past their line, and what they have and owe in the market's base currency; estimates of the screen.

    The truth lies between `least_accounts` and `most_accounts`; nothing is known of `unknown` ones. A sum is null where
    it has no bound. What a perpetual account owes is the margin it is required to hold.
    """

    least_accounts: int
    most_accounts: int
    collateral: str | None
    debt: str | None
    unknown: int


Covers = Literal["whole", "watched"]
"""Of whom an answer is: of everyone in a market, or only of the positions in it that somebody watches."""


class WhatIfMarket(Answer):
    """What shocks do to one market; `first` are the largest debts among those who become liquidatable.

    With `covers` watched, all of it is of watched positions alone: the market has others.
    """

    covers: Covers

    chain: str
    protocol: str
    deployment: str
    market: str
    at_block: int | None
    at_time: int
    age_s: int
    base_is_usd: bool
    base_token: str | None
    moved_ppm: Mapping[str, int]
    now: TallyAnswer
    then: TallyAnswer
    entered: TallyAnswer
    first: tuple[ShockedAnswer, ...]


class WhatIf(Answer):
    """Every market in which the shocks mean something.

    `unanswered` are the deployments, or markets of them after a slash, of which nothing can be told now.
    """

    items: tuple[WhatIfMarket, ...]
    unanswered: tuple[str, ...]


class LevelAnswer(Answer):
    """One price of a curve: who is past the line there, and who is so only from there on."""

    ratio_ppm: int
    price: str | None
    past: TallyAnswer
    entered: TallyAnswer


class CurveAnswer(Answer):
    """The liquidation levels of one asset in one market; with `covers` watched, of watched positions in it alone."""

    covers: Covers

    chain: str
    protocol: str
    deployment: str
    market: str
    at_block: int | None
    at_time: int
    age_s: int
    base_is_usd: bool
    base_token: str | None
    asset: str
    class_of_asset: str
    levels: tuple[LevelAnswer, ...]


class Curves(Answer):
    """The asset's curve in every market that has it.

    `unanswered` are the deployments, or markets of them after a slash, of which nothing can be told now.
    """

    items: tuple[CurveAnswer, ...]
    unanswered: tuple[str, ...]
