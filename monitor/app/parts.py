"""Each part, made from the settings that concern it."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

from monitor import resources
from monitor.adapter import Adapter, Followed
from monitor.clock import Clock
from monitor.cycle.outlook import Outlooks, Reference
from monitor.cycle.people.audience import Audience, Watchlist
from monitor.cycle.step import Target
from monitor.cycle.venues.loop import PACE_MS
from monitor.domain.alerts import Recipient, Route
from monitor.domain.ids import Address, ChainId, Slug, address
from monitor.errors import ConfigError
from monitor.pricing import haircuts
from monitor.protocols import ADAPTERS, VENUES
from monitor.risk.model import RiskModel, parse
from monitor.rules.levels import Levels, merged
from monitor.settings import ChainSettings, DeploymentSettings, Settings, addresses_in, suggestion, table
from monitor.sources.http.stream import StreamSpec
from monitor.sources.http.venue import Venue, VenueSpec
from monitor.sources.opening import open_venue
from monitor.sources.rpc.spec import ChainSpec, EndpointSpec
from monitor.units import scaled_from_text

STREAM = "stream"
"""What a deployment calls the address of a WebSocket on which its venue pushes news."""
PRICE_VENUE = "prices"
"""What the HTTP feed of independent prices is called in messages."""


def adapter(slug: str) -> Adapter[Any]:
    """Return the adapter of a protocol; raises ConfigError with the nearest names."""
    known: dict[Slug, Adapter[Any]] = {**ADAPTERS, **VENUES}
    if Slug(slug) not in known:
        raise ConfigError(f"unknown protocol {slug!r}{suggestion(slug, known)}")
    return known[Slug(slug)]


def followed(slug: str) -> Followed[Any]:
    """Return the adapter of a protocol whose accounts logs tell; raises ConfigError where none do."""
    if Slug(slug) not in ADAPTERS:
        raise ConfigError(f"{adapter(slug).slug} has no logs that name its accounts: list the owners to watch")
    return ADAPTERS[Slug(slug)]


def apis(settings: Settings, chain: str) -> tuple[VenueSpec, ...]:
    """Return the APIs of a chain's deployments, by the name that their questions give them."""
    private = settings.chain_named(chain).allow_private
    return tuple(
        VenueSpec(settings.domain_deployment(d).venue(api), url, allow_private=private)
        for d in settings.live
        if d.chain == chain
        for api, url in d.api.items()
        if api != STREAM
    )


def stream(settings: Settings, d: DeploymentSettings) -> StreamSpec | None:
    """Return where a deployment's venue pushes news, None where that is not told."""
    name, private = settings.domain_deployment(d).venue(STREAM), settings.chain_named(d.chain).allow_private
    return StreamSpec(name, d.api[STREAM], private) if STREAM in d.api else None


def venue_specs(chain: ChainSettings) -> tuple[VenueSpec, ...]:
    """Return the addresses of a venue without blocks as its source wants them."""
    return tuple(
        VenueSpec(
            chain.name,
            url,
            requests_per_s=chain.requests_per_s,
            weight_per_minute=chain.weight_per_minute,
            allow_private=chain.allow_private,
        )
        for url in chain.rpc
    )


def chain_spec(chain: ChainSettings) -> ChainSpec:
    """Return the chain as its source wants it."""
    return ChainSpec(
        id=ChainId(chain.id),
        name=chain.name,
        block_time_ms=int(Decimal(str(chain.block_time_s)) * 1000),
        endpoints=tuple(EndpointSpec(url, chain.requests_per_s) for url in chain.rpc),
        lag_blocks=chain.lag_blocks,
        settle_blocks=chain.settle_blocks,
        halted_after_ms=None if chain.halted_after_s is None else chain.halted_after_s * 1000,
        allow_private=chain.allow_private,
    )


def pace_ms(chain: ChainSettings) -> int:
    """Return the time between two turns: each block, unless blocks come faster than once a second."""
    pace_s = chain.pace_s if chain.pace_s is not None else 1.0 if chain.block_time_s < 1 else 0.0
    return int(Decimal(str(pace_s)) * 1000)


def venue_pace_ms(chain: ChainSettings) -> int:
    """Return the time between two turns of a venue without blocks."""
    return PACE_MS if chain.pace_s is None else int(Decimal(str(chain.pace_s)) * 1000)


def target(settings: Settings, deployment: DeploymentSettings, owners: Sequence[Address] | None = None) -> Target:
    """Return a deployment with whose positions are wanted: those given, or the watched and listed ones."""
    if owners is None:
        listed = addresses_in(deployment.accounts) if deployment.accounts else ()
        owners = tuple(dict.fromkeys((*(address(watch.owner) for watch in settings.watch), *listed)))
    return Target(settings.domain_deployment(deployment), adapter(deployment.protocol), Watchlist(owners))


def outlooks(settings: Settings, venue: Venue | None = None) -> Outlooks:
    """Return the independent prices, the haircuts, and how assets move."""
    references = {
        (ChainId(settings.chain_named(r.chain).id), address(r.token)): Reference(
            address(r.feed) if r.feed else None, r.coin, r.max_age_s
        )
        for r in settings.reference
    }
    known = haircuts.parse(table(resources.config() / "haircuts.toml"), settings.haircuts)
    return Outlooks(references, known, venue, PRICE_VENUE, risk(settings))


def risk(settings: Settings) -> RiskModel:
    """Return how assets move, by `config/risk.toml` with the settings on top."""
    shipped = table(resources.config() / "haircuts.toml")
    return parse(table(resources.config() / "risk.toml"), (shipped, settings.haircuts), settings.risk)


@asynccontextmanager
async def price_venue(settings: Settings, clock: Clock) -> AsyncIterator[Venue | None]:
    """Open the HTTP feed of independent prices, None where none is set."""
    if not settings.prices.url:
        yield None
        return
    spec = VenueSpec(PRICE_VENUE, settings.prices.url, allow_private=settings.prices.allow_private)
    async with open_venue(spec, clock) as venue:
        yield venue


def levels(settings: Settings) -> Levels:
    """Return the levels of `config/levels.toml` with those of the settings on top."""
    return Levels.parse(table(resources.config() / "levels.toml"), settings.levels, risk(settings))


def subscribers(settings: Settings) -> dict[str, tuple[Route, dict[Address, str]]]:
    """Return the subscribers that the settings name: each channel of a watched owner, and whom it is told of."""
    told: dict[str, tuple[Route, dict[Address, str]]] = {}
    for watch in settings.watch:
        for text in watch.channels:
            told.setdefault(text, (route(text), {}))[1][address(watch.owner)] = watch.label
    return told


def route(text: str) -> Route:
    """Return the route written `telegram:123`; a channel without addresses is its own."""
    channel, _, where = text.partition(":")
    return Route(channel, where or channel)


def audience(settings: Settings) -> Audience:
    """Return an audience that takes its subscribers from the store."""
    return Audience(own_levels(settings), settings.alerts.escalate_after_s)


def own_levels(settings: Settings) -> Callable[[Mapping[str, Any]], Levels]:
    """Return what makes levels of a subscriber's table, on top of those of the settings; it raises ConfigError."""
    shipped, model = table(resources.config() / "levels.toml"), risk(settings)
    return lambda theirs: Levels.parse(shipped, merged(settings.levels, theirs), model)


def operators(settings: Settings) -> tuple[Recipient, ...]:
    """Return who is told of the monitor's own troubles."""
    return tuple(Recipient(text, (route(text),)) for text in dict.fromkeys(settings.alerts.operators))


def target_wad(settings: Settings) -> int:
    """Return the health that advice aims at, times 1e18."""
    return scaled_from_text(settings.alerts.target_health, 18)


def check(settings: Settings) -> None:
    """Make every part that needs no connection; raises ConfigError for the first that cannot be made."""
    for deployment in settings.deployment:
        target(settings, deployment, ())
    levels(settings)
    outlooks(settings)
    subscribers(settings)
    target_wad(settings)
