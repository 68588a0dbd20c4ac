"""The load of the keepers' bench, in a process of its own: so that asking costs the service nothing.

`python -m tests.bench.asking BASE KEEPERS PER_S SECONDS QUERY` prints JSON; where QUERY is `stream` it listens.
"""

import asyncio
import json
import sys
from time import perf_counter, time

import aiohttp


async def asking(base: str, keepers: int, per_s: float, seconds: float, query: str) -> dict[str, object]:
    """Ask at an even pace, spread over the keepers; return milliseconds, failures, and rows without moment or age."""
    taken, failed, bare, rows = list[float](), 0, 0, 0
    async with aiohttp.ClientSession(base, connector=aiohttp.TCPConnector(limit=0)) as session:

        async def keeper(number: int) -> None:
            nonlocal failed, bare, rows
            await asyncio.sleep(number / keepers / per_s)
            for _ in range(int(seconds * per_s)):
                start = perf_counter()
                try:
                    async with session.get(query) as answer:
                        body = await answer.read()
                        failed += answer.status != 200
                except aiohttp.ClientError:
                    failed += 1
                    body = b""
                taken.append(1e3 * (perf_counter() - start))
                found = body.count(b'"at_block":')
                rows += found
                bare += found != body.count(b'"age_s":') or found != body.count(b'"at_time":')
                await asyncio.sleep(max(0.0, 1 / per_s - (perf_counter() - start)))

        async with asyncio.TaskGroup() as group:
            for number in range(keepers):
                group.create_task(keeper(number))
    return {"taken_ms": taken, "failed": failed, "bare": bare, "rows": rows}


async def listening(base: str, keepers: int, seconds: float) -> dict[str, object]:
    """Listen to the stream; return how long after its commit each event was seen, milliseconds."""
    late = list[float]()
    async with aiohttp.ClientSession(base, connector=aiohttp.TCPConnector(limit=0), read_bufsize=2**20) as session:

        async def keeper() -> None:
            timeout = aiohttp.ClientTimeout(total=None)
            async with session.get("/v1/stream", timeout=timeout) as answer:
                async for line in answer.content:
                    if line.startswith(b"data: "):
                        late.append(1e3 * (time() - float(json.loads(line[6:])["facts"]["committed"])))

        try:
            async with asyncio.timeout(seconds), asyncio.TaskGroup() as group:
                for _ in range(keepers):
                    group.create_task(keeper())
        except TimeoutError:
            pass
    return {"late_ms": late}


def main() -> None:
    """Do what the arguments say."""
    base, keepers, per_s, seconds, query = sys.argv[1:]
    if query == "stream":
        print(json.dumps(asyncio.run(listening(base, int(keepers), float(seconds)))))
    else:
        print(json.dumps(asyncio.run(asking(base, int(keepers), float(per_s), float(seconds), query))))


if __name__ == "__main__":
    main()
