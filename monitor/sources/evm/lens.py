"""Own code over a list of items, one run per chunk."""

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
        with reader.learning(lens.code, stop - start):
            output = await reader.run(lens.code, lens.head + b"".join(lens.items[start:stop]))
        return [LensPart(start, stop, output)]

    def failed(start: int, stop: int, why: Failed) -> list[LensPart]:
        return [LensPart(start, stop, why)]

    step = chunk_items(reader, lens)
    found: list[LensPart] = []
    for begin in range(start, stop, step):
        end = min(begin + step, stop)
        found += await isolate(run, failed, begin, end, Allowance(64 + (end - begin) // 4))
    return found
