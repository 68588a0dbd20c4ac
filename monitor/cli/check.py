"""`hfm check`: whether the settings make sense, and with --onchain whether the chains agree."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from monitor.cli.printing.tables import screen
from monitor.domain.moment import when
from monitor.domain.prices import Unknown
from monitor.errors import MonitorError

if TYPE_CHECKING:
    from monitor.adapter import Market
    from monitor.app.origins import Origin
    from monitor.app.readers import Readers
    from monitor.cycle.markets.listing import Listing
    from monitor.cycle.step import Target
    from monitor.domain.moment import At
    from monitor.settings import Settings
    from monitor.sources.http.freshness import VenueStatus
    from monitor.sources.rpc.spec import EndpointStatus

_SAMPLE = 50


def check(*, config: Path | None = None, onchain: bool = False, accounts: Path | None = None) -> int:
    """Check the settings without starting anything; leaves with 1 when a contract disagrees, 3 when one is unread.

    Args:
        config: settings on top of the packaged chains and deployments
        onchain: also connect to every endpoint, and compare a sample of accounts with the contracts' own views
        accounts: a file of addresses to sample; without it, those the settings watch
    """
    return asyncio.run(_check(config, accounts, onchain=onchain))


async def _check(config: Path | None, accounts: Path | None, *, onchain: bool) -> int:
    from monitor.app import parts
    from monitor.app.readers import Readers, configured
    from monitor.cli import OK
    from monitor.settings import addresses_in

    console = screen()
    async with configured(config) as settings:
        parts.check(settings)
        _summary(console, settings)
        if not onchain:
            console.print("[green]The settings are valid.[/green] Add --onchain to ask the chains.")
            return OK
        owners = addresses_in(accounts) if accounts else None
        async with Readers.open(settings, owners=owners) as readers:
            worst = await _compare(console, readers)
    console.print("[green]The chains agree.[/green]" if worst == OK else "[bold red]Not everything agrees.[/bold red]")
    return worst


def _summary(console: Console, settings: "Settings") -> None:
    from monitor.app.delivery import endpoints
    from monitor.outgoing.place import place

    receivers = endpoints(settings)
    if settings.heartbeat.url is not None:
        place(
            settings.heartbeat.url.get_secret_value(), "heartbeat.url", allow_private=settings.heartbeat.allow_private
        )
    console.print(
        f"{len(settings.chain)} chains and {len(settings.deployment)} deployments known, "
        f"{len(settings.live)} with an endpoint, {len(settings.watch)} owners watched"
    )
    told = {channel for watch in settings.watch for channel in watch.channels}
    if any(channel.startswith("telegram:") for channel in told) and settings.telegram.token is None:
        console.print("[yellow]telegram: no token; set HFM_TELEGRAM__TOKEN[/yellow]")
    if any(channel.startswith("email:") for channel in told) and settings.email.host is None:
        console.print("[yellow]email: no server; set host in the table email[/yellow]")
    for name in [name for name, receiver in receivers.items() if not receiver.secrets]:
        console.print(f"[yellow]webhook {name}: no secret; set HFM_WEBHOOK__ENDPOINT__{name.upper()}__SECRETS[/yellow]")
    if any(channel.startswith("webhook:https:") for channel in told) and not settings.webhook.secrets:
        console.print("[yellow]webhook: no secret for URLs; set HFM_WEBHOOK__SECRETS[/yellow]")


async def _compare(console: Console, readers: "Readers") -> int:
    from monitor.cli import OK, UNREAD

    for name, chain in readers.chains.items():
        for status in chain.status():
            console.print(f"{name} · {_told(status)}".rstrip())
    worst = OK
    for chain, target in readers.targets:
        try:
            found = await _compare_deployment(console, chain, target, readers.listings[target.deployment.name])
        except MonitorError as e:
            console.print(f"[bold red]{target.deployment.name}: {e}[/bold red]", highlight=False)
            found = UNREAD
        worst = max(worst, found)
    return worst


def _told(status: "EndpointStatus | VenueStatus") -> str:
    from monitor.sources.http.freshness import VenueStatus

    if isinstance(status, VenueStatus):
        return f"{status.name}: {status.problem or 'ok'}"
    ways = ", ".join(way.value for way in status.ways)
    return f"{status.label}: {status.state.value} {status.reason} ({ways})"


async def _compare_deployment(console: Console, chain: "Origin", target: "Target", listing: "Listing") -> int:
    from monitor.cli import OK, UNREAD
    from monitor.cycle.markets.reads import MARKETS_PER_READ

    at, worst = await chain.head(), OK
    keys = await listing.keys(chain, at)
    for start in range(0, len(keys), MARKETS_PER_READ):
        for key, market in (await listing.read(chain, keys[start : start + MARKETS_PER_READ], at)).items():
            name = target.deployment.name + (f" {key}" if len(keys) > 1 else "")
            try:
                if isinstance(market, MonitorError):
                    raise market
                found = await _compare_market(console, name, chain, target, market, at)
            except MonitorError as e:
                console.print(f"[bold red]{name}: {e}[/bold red]", highlight=False)
                found = UNREAD
            worst = max(worst, found)
    return worst


async def _compare_market(
    console: Console, name: str, chain: "Origin", target: "Target", market: "Market", at: "At"
) -> int:
    from monitor.cli import FINDING, OK
    from monitor.cycle.step import owners_of

    deployment, adapter = target.deployment, target.adapter
    unknown = [price.node for price in market.prices if isinstance(price.value, Unknown)]
    doubted = [f"{price.node} {', '.join(price.labels)}" for price in market.prices if price.labels]
    sample = list(await chain.read(owners_of(adapter, market, target.owners), at))[:_SAMPLE]
    differing = await chain.read(adapter.compare(deployment, market.key, sample), at) if sample else ()
    assets = len({token for _, token in market.tokens})
    console.print(
        f"{name} at {when(market.at)}: {assets} assets, {len(unknown)} without a price, "
        f"{len(sample) - len(differing)} of {len(sample)} sampled accounts equal to the contract",
        highlight=False,
    )
    for line in (*(f"no price: {node}" for node in unknown), *doubted):
        console.print(f"  [yellow]{line}[/yellow]", highlight=False)
    for one in differing:
        console.print(f"  [bold red]{one.key}[/bold red]\n    contract {one.expected}\n    hfm      {one.found}")
    return FINDING if differing else OK
