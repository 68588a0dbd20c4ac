"""`hfm run`: the service."""

import asyncio
import signal
from pathlib import Path


def run(*, config: Path = Path("hfm.toml")) -> int:
    """Watch every configured deployment, send alerts and serve the API until stopped.

    Args:
        config: the settings, made with `hfm init`
    """
    return asyncio.run(_run(config))


async def _run(config: Path) -> int:
    from monitor.app.readers import configured
    from monitor.app.service import serve
    from monitor.cli import OK

    async with configured(config) as settings:
        stop = asyncio.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(name, stop.set)
        await serve(settings, stop)
    return OK
