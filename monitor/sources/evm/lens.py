"""Own code over a list of items, one run per chunk."""

from monitor.errors import AskedTooMuch
from monitor.query import Failed, LensCall, LensPart
from monitor.sources.evm.isolation import Allowance, isolate
from monitor.sources.evm.programs import deployless
from monitor.sources.evm.reader import Reader
from monitor.sources.rpc.spec import Way

MAX_CREATION_BYTES = 49_152


def chunk_items(reader: Reader, lens: LensCall) -> int:
    """Return how many items of the lens the endpoint takes at once."""
    learned = reader.endpoint.chunks.size(lens.code)
    if reader.code_way in (None, Way.OVERRIDE) or not lens.items:
        return learned
    taken = len(deployless(lens.code, lens.head, "RETURN"))
    return max(min(learned, (MAX_CREATION_BYTES - taken) // max(len(lens.items[0]), 1)), 1)


async def parts(reader: Reader, lens: LensCall, start: int, stop: int) -> list[LensPart]:
    """Return the outputs for `items[start:stop]`; an item that fails alone is a `Failed` part."""

    async def run(start: int, stop: int) -> list[LensPart]:
        endpoint = reader.endpoint
        began_ms = endpoint.clock.monotonic_ms()
        try:
            output = await reader.run(lens.code, lens.head + b"".join(lens.items[start:stop]))
        except AskedTooMuch:
            endpoint.chunks.refused(lens.code, stop - start, endpoint.clock.monotonic_ms())
            raise
        now_ms = endpoint.clock.monotonic_ms()
        endpoint.chunks.fitted(lens.code, stop - start, now_ms - began_ms, now_ms)
        return [LensPart(start, stop, output)]

    def failed(start: int, stop: int, why: Failed) -> list[LensPart]:
        return [LensPart(start, stop, why)]

    return await isolate(run, failed, start, stop, Allowance(64 + (stop - start) // 4))
