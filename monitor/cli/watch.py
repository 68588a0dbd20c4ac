"""`hfm watch`: one live screen for any address, across every deployment that can be read."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from monitor.cli.printing.tables import advice, positions, screen
from monitor.cli.printing.totals import totals
from monitor.domain.moment import when
from monitor.domain.row import Evaluation, Row, row
from monitor.errors import EndpointError, UsageError

if TYPE_CHECKING:
    from monitor.app.readers import Readers

_REFRESH_S = 4


def watch(
    *addresses: str,
    rpc: Annotated[tuple[str, ...], Parameter(negative=())] = (),
    config: Path | None = None,
    once: bool = False,
) -> int:
    """Show the positions of ADDRESSES live: health, distance, liquidation price, and what to do.

    Args:
        addresses: whose positions
        rpc: an endpoint for a chain hfm knows, ethereum=https://…; may be given several times
        config: settings on top of the packaged chains and deployments
        once: print one picture and leave
    """
    if not addresses:
        raise UsageError("expected at least one address: hfm watch 0x… --rpc ethereum=URL")
    return asyncio.run(_watch(addresses, rpc, config, once=once))


async def _watch(addresses: tuple[str, ...], rpc: tuple[str, ...], config: Path | None, *, once: bool) -> int:
    from monitor.app.readers import Readers, configured
    from monitor.cli import OK, UNREAD
    from monitor.domain.ids import address

    owners = tuple(address(text) for text in addresses)
    console = screen()
    async with configured(config, rpc) as settings, Readers.open(settings, owners=owners) as readers:
        evaluations, picture = await _picture(readers)
        if once or not console.is_terminal:
            console.print(picture)
            return UNREAD if any(row(e)["status"] == "unmeasurable" for e in evaluations) else OK
        with Live(picture, console=console, screen=True, auto_refresh=False) as live:
            while True:
                await asyncio.sleep(_REFRESH_S)
                _, picture = await _picture(readers)
                live.update(picture, refresh=True)


async def _picture(readers: "Readers") -> tuple[list[Evaluation], RenderableType]:
    from monitor.app.readers import unreached

    found: list[Evaluation] = []
    moments: list[str] = []
    for chain, target in readers.targets:
        try:
            at = await chain.head()
        except EndpointError as e:
            if len(readers.chains) == 1:
                raise
            moments.append(f"{target.deployment.name} not reached")
            found.extend(unreached(chain, target, str(e)))
            continue
        moments.append(f"{target.deployment.name} at {when(at)}")
        found.extend([e async for e in readers.evaluations(chain, target, at) if e.protocol.legs or not _is_empty(e)])
    rows = [row(evaluation) for evaluation in found]
    where = Text(" · ".join(moments), style="dim")
    if not rows:
        return found, Group(Text("Nothing supplied and nothing owed."), where)
    return found, Group(positions(rows, "Positions"), *_total(rows), *(advice(e) for e in found), where)


def _total(rows: list[Row]) -> list[Text]:
    text = totals(rows)
    return [text] if text else []


def _is_empty(evaluation: Evaluation) -> bool:
    return row(evaluation)["status"] == "no_debt"
