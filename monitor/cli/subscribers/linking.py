"""`hfm subscribers link`: a link with which a Telegram chat becomes a contact."""

import asyncio
import json
from pathlib import Path

from monitor.cli.subscribers.showing import Shown


def link(name: str, /, *, config: Path | None = None, format: Shown = "table") -> int:  # noqa: A002
    """Make a link with which a Telegram chat becomes a contact: good once, for ten minutes, in a private chat.

    Args:
        name: who
        config: settings that name the store and the bot
        format: how link and code are printed
    """
    return asyncio.run(_link(config, name, format))


async def _link(config: Path | None, name: str, shown: Shown) -> int:
    from monitor.bot.bot import name_of
    from monitor.channels.opening import open_telegram
    from monitor.cli import OK
    from monitor.cli.printing.tables import screen
    from monitor.cli.subscribers.opened import opened
    from monitor.clock import secret
    from monitor.errors import ConfigError, DeliveryError, ReadError

    async with opened(config) as at:
        await at.named(name)
        own = at.settings.telegram
        if own.token is None or not own.commands:
            raise ConfigError("no bot that takes commands: set HFM_TELEGRAM__TOKEN, and leave telegram.commands on")
        try:
            async with open_telegram(own.token.get_secret_value(), own.base_url) as telegram:
                bot = await name_of(telegram.api)
        except DeliveryError as e:
            raise ReadError(f"the bot did not say its name: {e}") from e
        token, code = secret(24), f"{int(secret(8), 16) % 1_000_000:06}"
        expires_s = await at.store.links.make(name, token, code)
    url = f"https://t.me/{bot}?start={token}"
    if shown == "json":
        screen().print_json(json.dumps({"url": url, "code": code, "expires_s": expires_s}))
        return OK
    screen().print(f"{url}\n", markup=False)
    screen().print(f"Code: {code[:3]} {code[3:]}", markup=False)
    screen().print(
        f"Open the link on the phone of {name} within ten minutes and compare the code. Hand it to nobody else: "
        "whoever opens it is told what they are told.",
        markup=False,
    )
    return OK
