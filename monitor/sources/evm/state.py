"""Storage words as one endpoint has them at one block."""

from collections.abc import Sequence

from monitor.errors import EndpointError
from monitor.query import Failed, StorageRead
from monitor.sources.evm.reader import Reader, as_bytes
from monitor.sources.jsonrpc.messages import Request


async def words(reader: Reader, reads: Sequence[StorageRead]) -> list[bytes | Failed]:
    """Return 32 bytes for each read."""
    requests = [Request("eth_getStorageAt", (r.address, f"0x{r.slot:064x}", reader.block)) for r in reads]
    found = [as_bytes(outcome, reader.endpoint.label) for outcome in await reader.ask_many(requests)]
    wrong = next((word for word in found if len(word) > 32), None)
    if wrong is not None:
        raise EndpointError(f"{reader.endpoint.label}: expected a storage word of 32 bytes, found {len(wrong)}")
    return [word.rjust(32, b"\0") for word in found]
