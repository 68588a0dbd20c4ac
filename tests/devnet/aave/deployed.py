"""What a deployment consists of, by name: contracts, reserves, feeds."""

from dataclasses import dataclass

from tests.devnet.aave.shape import EModeShape, ReserveShape


@dataclass(frozen=True)
class PriceFeed:
    """A price source, from what the protocol reads down to what a test sets.

    `source` is what the protocol's oracle reads (proxy or adapter), `feed` the Chainlink-style proxy behind it (equal
    to `source` where there is no adapter), `aggregator` the contract that is set and emits `AnswerUpdated`.
    """

    source: str
    feed: str
    aggregator: str
    decimals: int
    heartbeat_s: int
    description: str
    ratio_source: str = ""


@dataclass(frozen=True)
class Reserve:
    """One listed asset. `stable_debt_token` is empty where the version has none; `id` is its place in user bitmaps."""

    id: int
    token: str
    a_token: str
    stable_debt_token: str
    variable_debt_token: str
    feed: PriceFeed
    shape: ReserveShape

    @property
    def symbol(self) -> str:
        return self.shape.symbol

    @property
    def decimals(self) -> int:
        return self.shape.decimals

    @property
    def unit(self) -> int:
        return int(10**self.shape.decimals)


@dataclass(frozen=True)
class EMode:
    """One e-mode category. `price_source` is the key under which the oracle prices it, empty where there is none."""

    shape: EModeShape
    price_source: str
    feed: PriceFeed | None


@dataclass(frozen=True)
class Deployed:
    """The addresses of one Aave v3 market. `version` is (3, 0), without a liquidation data provider, or (3, 6)."""

    version: tuple[int, int]
    provider: str
    pool: str
    configurator: str
    oracle: str
    acl_manager: str
    data_provider: str
    sentinel: str
    sequencer: PriceFeed
    reserves: tuple[Reserve, ...]
    e_modes: tuple[EMode, ...]
    liquidation_data_provider: str = ""

    def reserve(self, symbol: str) -> Reserve:
        """The reserve of that symbol. Raises `KeyError`."""
        for reserve in self.reserves:
            if reserve.symbol == symbol:
                return reserve
        raise KeyError(f"no reserve {symbol}: there are {', '.join(r.symbol for r in self.reserves)}")
