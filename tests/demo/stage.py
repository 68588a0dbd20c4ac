"""What the demo stands on: real Aave and curie on a local chain, a hero with a loan and a long, and the service."""

import asyncio
import contextlib
import os
import socket
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from tests.channels.bot_api_stub import TOKEN, BotApi
from tests.channels.mail_server import MailServer
from tests.devnet import Market, running_chain
from tests.devnet.curie.house import House
from tests.devnet.curie.opening import opened

CHAT = "424242"
MAILBOX = "owner@example.org"
LENDING, PERPS = "local-core", "local-perps"
HERO = "0x" + "4e" * 20
_COLLATERAL_RAW = 10 * 10**18
_HEALTH_PCT = 142
_MARGIN_RAW = 2_000 * 10**6
_LONG_WAD = 8_700 * 10**18
_PERP_TRADERS = 20
_AVERAGED_S = 60
"""How long a pool stands at a price until the mark, a median with an average of 15 s, is there too."""


@dataclass(frozen=True)
class Stage:
    """Everything that runs, and where to find it."""

    market: Market
    house: House
    bot: BotApi
    mail: MailServer
    config: Path
    accounts: Path
    folder: Path
    api: str

    def ether_price(self) -> int:
        """Return the oracle's price of WETH, eight decimals."""
        return self.market.oracle_price("WETH")

    def drop_ether(self, ppm: int) -> None:
        """Let ether fall to so many millionths of its price, in the market of loans and in that of perpetuals."""
        (traded,) = (one for one in self.house.markets if one.symbol == "vETH")
        now_e8 = int(self.house.chain.view(traded.feed, "price()(uint256)"))
        self.house.follow(traded, now_e8 * ppm // 10**6)
        self.house.wait(_AVERAGED_S)
        self.market.scale_price("WETH", ppm)


def give_hero_a_loan(market: Market) -> None:
    """Supply ten WETH and borrow dollars against them, from an address that the demo watches."""
    market.fund(HERO, "WETH", _COLLATERAL_RAW)
    market.supply(HERO, "WETH", _COLLATERAL_RAW)
    seen = market.account_data(HERO)
    dollars_e8 = seen.collateral_base * seen.liquidation_threshold_bps // 10**4 * 100 // _HEALTH_PCT
    market.borrow(HERO, "USDC", dollars_e8 // 10**2)


def give_hero_a_long(house: House) -> None:
    """Deposit dollars and go long ether with more than four times as much."""
    (traded,) = (one for one in house.markets if one.symbol == "vETH")
    house.fund([HERO], house.settlement, [_MARGIN_RAW])
    house.chain.bulk([house.trade(HERO, traded, _LONG_WAD)])
    house.wait(_AVERAGED_S)


@contextlib.asynccontextmanager
async def stage(folder: Path, accounts: int) -> AsyncIterator[Stage]:
    """Build everything but the service, whose configuration is written and ready."""
    from tests.devnet import aave_v30

    with running_chain() as chain:
        market = await asyncio.to_thread(aave_v30, chain, accounts)
        house = await asyncio.to_thread(opened, chain, _PERP_TRADERS)
        await asyncio.to_thread(give_hero_a_loan, market)
        await asyncio.to_thread(give_hero_a_long, house)
        async with BotApi().serve() as bot, MailServer().serve() as mail:
            listed = folder / "accounts.txt"
            listed.write_text("\n".join((HERO, *market.accounts)) + "\n")
            port = _free_port()
            config = folder / "hfm.toml"
            config.write_text(_config(market, house, bot, mail, folder, port))
            yield Stage(market, house, bot, mail, config, listed, folder, f"http://127.0.0.1:{port}")


@contextlib.asynccontextmanager
async def service(built: Stage) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run `hfm run` as a person would, its log in a file; it is stopped as an operator would stop it."""
    with (built.folder / "service.log").open("wb") as logged:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "monitor", "run", "--config", str(built.config)),
            stdout=logged,
            stderr=logged,
            env=os.environ | {"HFM_TELEGRAM__TOKEN": TOKEN},
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.terminate()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(process.wait(), 15)
            if process.returncode is None:
                process.kill()
                await process.wait()


async def ready(built: Stage, process: asyncio.subprocess.Process, timeout_s: float = 60) -> None:
    """Wait until the service has read every deployment once."""
    until = time.monotonic() + timeout_s
    async with aiohttp.ClientSession() as http:
        while time.monotonic() < until:
            if process.returncode is not None:
                break
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                async with http.get(f"{built.api}/readyz", timeout=aiohttp.ClientTimeout(5)) as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.1)
    raise SystemExit(f"the service did not become ready:\n{(built.folder / 'service.log').read_text()[-3000:]}")


def _config(market: Market, house: House, bot: BotApi, mail: MailServer, folder: Path, port: int) -> str:
    return f"""[[chain]]
name = "local"
id = "eip155:31337"
block_time_s = 12
rpc = ["{market.chain.node.http_url}", "{market.chain.node.ws_url}"]
allow_private = true

[[deployment]]
name = "{LENDING}"
protocol = "aave_v3"
chain = "local"
pool_addresses_provider = "{market.deployed.provider}"
start_block = 0

[[deployment]]
name = "{PERPS}"
protocol = "perp_v2"
chain = "local"
clearing_house = "{house.at["ClearingHouse"]}"
start_block = 0

[[watch]]
owner = "{HERO}"
label = "treasury"
channels = ["telegram:{CHAT}", "email:{MAILBOX}"]

[store]
url = "sqlite:///{folder / "hfm.db"}"

[api]
port = {port}

[telegram]
base_url = "{bot.url}"

[email]
host = "127.0.0.1"
port = {mail.port}
sender = "hfm@example.org"
security = "none"

[alerts]
link_base = "http://127.0.0.1:{port}"
"""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
