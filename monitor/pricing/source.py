"""What stands behind a price source: a plain aggregator, an adapter known by its getters, or something opaque."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from monitor.abi import Call, interface
from monitor.domain.ids import Address
from monitor.pricing.aggregator import Aggregator, aggregators
from monitor.pricing.formula import (
    FixedCap,
    Formula,
    LinearDiscount,
    LinearDiscountBps,
    PeggedCap,
    Quotient,
    RatioCap,
    Scaled,
)
from monitor.pricing.sanity import Bounds
from monitor.query import Ask, Failed, ask_each

_ABI = interface("shared", "price_adapters")
_MAX_DEPTH = 6

Parameters = tuple[Any, ...]
"""What the parameter getters of an adapter answered, in their order."""


@dataclass(frozen=True, slots=True)
class AdapterKind:
    """A price adapter: which getters name its feeds, which hold its ratio and parameters, and what it computes."""

    name: str
    upstream: tuple[str, ...]
    parameters: tuple[str, ...]
    formula: Callable[[Parameters, int], Formula]
    ratio: str | None = None
    method: str = ""

    @property
    def getters(self) -> tuple[str, ...]:
        """Everything a contract of this kind answers."""
        return (*self.upstream, *((self.ratio,) if self.ratio else ()), *self.parameters)


def _ratio_cap(p: Parameters, now_s: int) -> Formula:
    return RatioCap(p[0], p[1], p[2], 10**6, p[3], now_s)


def _ratio_cap_unscaled(p: Parameters, now_s: int) -> Formula:
    return RatioCap(p[0], p[1], p[2], 1, p[3], now_s)


def _fixed_cap(p: Parameters, _: int) -> Formula:
    return FixedCap(p[0])


def _pegged_cap(p: Parameters, _: int) -> Formula:
    return PeggedCap(p[0], p[1] if len(p) > 1 else 8)


def _principal_token(p: Parameters, now_s: int) -> Formula:
    return LinearDiscount(p[0], p[1], now_s)


def _principal_token_bps(p: Parameters, now_s: int) -> Formula:
    return LinearDiscountBps(p[0], p[1], now_s)


def _quotient(p: Parameters, _: int) -> Formula:
    return Quotient(p[0])


def _scaled(p: Parameters, _: int) -> Formula:
    is_up, factor = p[0]
    return Scaled(factor, is_up=is_up)


_BASE, _ASSET, _RATE = ("BASE_TO_USD_AGGREGATOR",), ("ASSET_TO_USD_AGGREGATOR",), "exchange-rate"
_SNAPSHOT = ("getSnapshotRatio", "getSnapshotTimestamp")

KINDS = (
    AdapterKind(
        name="ratio cap",
        upstream=_BASE,
        ratio="getRatio",
        parameters=(*_SNAPSHOT, "getMaxRatioGrowthPerSecondScaled", "RATIO_DECIMALS"),
        formula=_ratio_cap,
        method=_RATE,
    ),
    AdapterKind(
        name="ratio cap, unscaled",
        upstream=_BASE,
        ratio="getRatio",
        parameters=(*_SNAPSHOT, "getMaxRatioGrowthPerSecond", "RATIO_DECIMALS"),
        formula=_ratio_cap_unscaled,
        method=_RATE,
    ),
    AdapterKind(
        name="fixed cap",
        upstream=_ASSET,
        parameters=("getPriceCap",),
        formula=_fixed_cap,
    ),
    AdapterKind(
        name="pegged cap",
        upstream=_ASSET + _BASE,
        parameters=("getPriceCapRatio", "RATIO_DECIMALS"),
        formula=_pegged_cap,
    ),
    AdapterKind(
        name="pegged cap, eight decimals",
        upstream=_ASSET + _BASE,
        parameters=("getPriceCapRatio",),
        formula=_pegged_cap,
    ),
    AdapterKind(
        name="principal token",
        upstream=_ASSET,
        parameters=("MATURITY", "discountRatePerYear"),
        formula=_principal_token,
        method=_RATE,
    ),
    AdapterKind(
        name="principal token, basis points",
        upstream=_ASSET,
        parameters=("MATURITY", "getMaxDiscountPerYear"),
        formula=_principal_token_bps,
        method=_RATE,
    ),
    AdapterKind(
        name="quotient",
        upstream=("ASSET_TO_PEG", "BASE_TO_PEG"),
        parameters=("DECIMALS_MULTIPLIER",),
        formula=_quotient,
    ),
    AdapterKind(
        name="scaled",
        upstream=("source",),
        parameters=("scale",),
        formula=_scaled,
    ),
)
"""The adapters that are recognised, the more particular first."""

_PROBES = tuple(dict.fromkeys((*(getter for kind in KINDS for getter in kind.getters), "price")))


@dataclass(frozen=True, slots=True)
class Source:
    """One contract that a price comes from; `kind` is None for one that is read as it is."""

    feed: Aggregator
    kind: AdapterKind | None = None
    upstream: tuple[Address, ...] = ()
    is_fixed: bool = False

    @property
    def address(self) -> Address:
        """The contract."""
        return self.feed.address

    @property
    def calls(self) -> tuple[Call, ...]:
        """What has to be read at every moment beside the answer: the ratio, then the parameters."""
        if self.kind is None:
            return ()
        return tuple(_ABI[getter].at(self.address) for getter in self.kind.getters[len(self.kind.upstream) :])


def sources(addresses: Iterable[Address]) -> Ask[tuple[Source, ...]]:
    """Return the sources and everything they read in turn, each after what it reads.

    A contract that is none of the known kinds is read as it is; so is one deeper than six adapters.
    """
    found: dict[Address, Source] = {}
    level = tuple(dict.fromkeys(addresses))
    for depth in range(_MAX_DEPTH):
        read = yield from _recognised(level, KINDS if depth < _MAX_DEPTH - 1 else ())
        for source in read:
            found.pop(source.address, None)
            found[source.address] = source
        level = tuple(dict.fromkeys(address for source in read for address in source.upstream))
        if not level:
            break
    return tuple(reversed(found.values()))


def _recognised(addresses: Sequence[Address], kinds: Sequence[AdapterKind]) -> Ask[tuple[Source, ...]]:
    feeds = yield from aggregators(addresses)
    probed = yield from ask_each([_ABI[getter].at(address) for address in addresses for getter in _PROBES])
    rows = (dict(zip(_PROBES, probed[i : i + len(_PROBES)], strict=True)) for i in range(0, len(probed), len(_PROBES)))
    return tuple(
        _source(feed if isinstance(feed, Aggregator) else Aggregator(address, 8, Bounds()), got, kinds)
        for address, feed, got in zip(addresses, feeds, rows, strict=True)
    )


def _source(feed: Aggregator, got: dict[str, Any], kinds: Sequence[AdapterKind]) -> Source:
    for kind in kinds:
        if not any(isinstance(got[getter], Failed) for getter in kind.getters):
            return Source(feed, kind, tuple(Address(got[getter]) for getter in kind.upstream))
    return Source(feed, is_fixed=not isinstance(got["price"], Failed))
