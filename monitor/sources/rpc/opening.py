"""Letting an endpoint in: it must be allowed, serve the right chain, and show what it can do."""

import asyncio
from collections.abc import Sequence

from monitor import log
from monitor.domain.moment import BlockRef
from monitor.errors import ConfigError, EndpointError, ReadError, WrongChain
from monitor.sources.rpc.endpoint import Endpoint
from monitor.sources.rpc.probe import probe

OPEN_TIMEOUT_S = 10.0

_log = log.get("sources")


async def let_in(endpoint: Endpoint, others: Sequence[Endpoint]) -> BlockRef | None:
    """Open the endpoint and return its head, or note why it stays out: for good (`refusal`), or for now."""
    try:
        async with asyncio.timeout(OPEN_TIMEOUT_S):
            await endpoint.transport.connect()
            await endpoint.check_chain()
            abilities, head = await probe(endpoint)
    except (ConfigError, WrongChain) as e:
        _refuse(endpoint, e)
    except TimeoutError:
        endpoint.failed(EndpointError(f"{endpoint.label}: expected an answer within {OPEN_TIMEOUT_S:g} s, found none"))
    except ReadError as e:
        endpoint.last_failure = str(e)
    else:
        endpoint.opened(abilities)
        _must_share_genesis(others)
        return head
    return None


def _must_share_genesis(endpoints: Sequence[Endpoint]) -> None:
    """Chain ids are reused by forks and test networks, so block 0 of the first endpoint binds the others."""
    told = [endpoint for endpoint in endpoints if endpoint.is_open and endpoint.genesis]
    for other in told[1:]:
        if other.genesis != told[0].genesis:
            expected = f"expected genesis {told[0].genesis}, as {told[0].label} has"
            _refuse(other, WrongChain(f"{other.label}: {expected}, found {other.genesis}"))


def _refuse(endpoint: Endpoint, why: ReadError | ConfigError) -> None:
    endpoint.refusal = why
    _log.error("endpoint_refused", chain=endpoint.chain.name, endpoint=endpoint.label, why=str(why))
