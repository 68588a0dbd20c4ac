"""Blocks as nodes write them."""

from typing import Any

from monitor.domain.ids import ChainId
from monitor.domain.moment import BlockRef
from monitor.errors import BlockMoved, EndpointError
from monitor.sources.jsonrpc.messages import Request

LATEST = Request("eth_getBlockByNumber", ("latest", False))


def asked(which: int | str) -> Request:
    """Return the request for a block by number or by hash, without its transactions."""
    if isinstance(which, int):
        return Request("eth_getBlockByNumber", (hex(which), False))
    return Request("eth_getBlockByHash", (which, False))


def from_node(answer: Any, chain: ChainId, where: str) -> BlockRef:
    """Return the block; raises BlockMoved for null, EndpointError for anything that is no block."""
    if answer is None:
        raise BlockMoved(f"{where}: expected a block, found that the node has none")
    try:
        block = BlockRef(
            chain=chain,
            number=int(answer["number"], 16),
            hash=str(answer["hash"]).lower(),
            parent_hash=str(answer["parentHash"]).lower(),
            timestamp_s=int(answer["timestamp"], 16),
        )
    except (KeyError, TypeError, ValueError) as e:
        raise EndpointError(f"{where}: expected a block, found {type(answer).__name__} without a {e}") from e
    if len(block.hash) != 66 or len(block.parent_hash) != 66:
        raise EndpointError(f"{where}: expected hashes of 32 bytes, found {block.hash[:70]!r}")
    return block
