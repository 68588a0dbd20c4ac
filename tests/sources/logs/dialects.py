"""How providers and nodes refuse an `eth_getLogs` that asks too much: their words, with the limits they state."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Dialect:
    """One way of refusing. `text` may name `{limit}`, and a span that would do as `{first}` to `{last}` (`_hex`)."""

    speaker: str
    bound: str
    code: int
    text: str
    limit: int


BLOCKS, RESULTS, ADDRESSES, TOPICS, NO_ADDRESS = "blocks", "results", "addresses", "topics", "no address"

DIALECTS = (
    Dialect(
        "Alchemy, free", BLOCKS, -32600,
        "Under the Free tier plan, you can make eth_getLogs requests with up to a {limit} block range. Based on your "
        "parameters, this block range should work: [{first_hex}, {last_hex}]. Upgrade to PAYG for more.",
        10,
    ),
    Dialect("QuickNode", BLOCKS, -32614, "eth_getLogs is limited to a {limit:,} range", 10_000),
    Dialect("Infura", BLOCKS, -32602, "range {asked} exceeds limit of {limit}", 10_000),
    Dialect("BNB Smart Chain's geth", BLOCKS, -32000, "exceed maximum block range: {limit}", 5_000),
    Dialect("Reth", BLOCKS, -32602, "query exceeds max block range {limit}", 100_000),
    Dialect("dRPC", BLOCKS, 35, "ranges over {limit} blocks are not supported on freetier", 10_000),
    Dialect("Ankr", BLOCKS, -32600, "block range is too wide", 3_000),
    Dialect("Chainstack", BLOCKS, -32005, "Block range limit exceeded. See more details at the limits page", 100),
    Dialect("Cloudflare", BLOCKS, -32047, "Invalid eth_getLogs request. Max range: {limit}", 800),
    Dialect(
        "Avalanche's coreth", BLOCKS, -32000,
        "requested too many blocks from {from_block} to {to_block}, maximum is set to {limit}", 2_048,
    ),
    Dialect("Moonbeam", BLOCKS, -32603, "block range is too wide (maximum {limit})", 1_024),
    Dialect("Scroll's geth", BLOCKS, -32000, "block range is bigger than maxBlockRange", 1_000),
    Dialect(
        "Morph's geth", BLOCKS, -32000,
        "block range is larger than max block range, block range = {asked}, max block range = {limit}", 5_000,
    ),
    Dialect("Kaia", BLOCKS, -32000, "Please limit the query to at most {limit} blocks", 1_000),
    Dialect("LlamaNodes", BLOCKS, -32002, "query timeout exceeded. Consider reducing your block range.", 2_500),
    Dialect(
        "Infura, results", RESULTS, -32005,
        "query returned more than {limit} results. Try with this block range [{first_hex}, {last_hex}].", 1_000,
    ),
    Dialect(
        "Alchemy, paid", RESULTS, -32602,
        "Log response size exceeded. You can make eth_getLogs requests with up to a 2K block range and no limit on the "
        "response size, or you can request any block range with a cap of {limit} logs in the response. Based on your "
        "parameters and the response size limit, this block range should work: [{first_hex}, {last_hex}]", 1_000,
    ),
    Dialect(
        "Reth, results", RESULTS, -32602, "query exceeds max results {limit}, retry with the range {first}-{last}", 500
    ),
    Dialect(
        "Base's Reth", RESULTS, -32602, "query exceeds max results {limit}, retry with the range {asked_span}", 500
    ),
    Dialect("Nitro", RESULTS, -32000, "logs matched by query exceeds limit of {limit}", 800),
    Dialect("zkSync", RESULTS, -32602, "Query returned more than {limit} results. Try with this block range "
            "[{first_hex}, {last_hex}].", 1_000),
    Dialect("OKX", RESULTS, -32000, "response size should not greater than 150000000 bytes", 700),
    Dialect("Ankr, size", RESULTS, -32000, "response is too big", 600),
    Dialect("PublicNode", ADDRESSES, -32701, "Please specify less number of addresses", 8),
    Dialect("geth", ADDRESSES, -32000, "exceed max addresses or topics per search position", 10),
    Dialect("a counting gateway", ADDRESSES, -32602, "too many addresses: {limit} allowed", 12),
    Dialect("a gateway that counts topics", TOPICS, -32602, "too many topics, max {limit}", 3),
    Dialect(
        "BlastAPI", NO_ADDRESS, -32701,
        "Please specify an address in your request or, to remove restrictions, order a dedicated full node", 0,
    ),
)  # fmt: skip
