"""One anvil process on a free port: started, its port read from its output, always killed."""

import os
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.devnet.chain.rpc import Rpc
from tests.devnet.chain.toolchain import DevnetUnavailable, anvil_binary

GENESIS_TIMESTAMP_S = 1_750_000_000
BLOCK_INTERVAL_S = 12
CHAIN_ID = 31337
POLL_S = 0.005
START_POLLS = 4000
BLOCK_GAS_LIMIT = 2_000_000_000

FLAGS = (
    *("--host", "127.0.0.1", "--base-fee", "0", "--gas-price", "0", "--order", "fifo", "--accounts", "1"),
    *("--auto-impersonate", "--disable-min-priority-fee", "--disable-code-size-limit", "--no-request-size-limit"),
    *("--color", "never"),
)


@dataclass(frozen=True)
class Anvil:
    """A running node. `http_url`, `ws_url` and `ipc_path` reach the same chain."""

    http_url: str
    ws_url: str
    ipc_path: str
    pid: int


@contextmanager
def anvil(
    *extra_flags: str, port: int = 0, timestamp_s: int = GENESIS_TIMESTAMP_S, gas_limit: int = BLOCK_GAS_LIMIT
) -> Iterator[Anvil]:
    """Runs anvil for the duration of the block. Any address may send, without balance and at gas price 0.

    Each block is `BLOCK_INTERVAL_S` after its parent, whatever the wall clock does.
    Raises `DevnetUnavailable` when the process does not say that it listens in time.
    """
    binary = anvil_binary()
    # A home of its own keeps anvil's spilled states inside the folder that is removed.
    with tempfile.TemporaryDirectory(prefix="hfm-anvil-", ignore_cleanup_errors=True) as home:
        output, ipc_path = Path(home, "output"), str(Path(home, "anvil.ipc"))
        command = [str(binary), "--port", str(port), "--timestamp", str(timestamp_s), "--gas-limit", str(gas_limit)]
        command += ["--chain-id", str(CHAIN_ID), "--ipc", ipc_path, *FLAGS, *extra_flags]
        with output.open("wb") as stream:
            process = subprocess.Popen(command, stdout=stream, stderr=stream, env={**os.environ, "HOME": home})
        try:
            bound = _listening_port(process, output)
            running = Anvil(f"http://127.0.0.1:{bound}", f"ws://127.0.0.1:{bound}", ipc_path, process.pid)
            _settle(running)
            yield running
        finally:
            process.kill()
            process.wait()


def _settle(running: Anvil) -> None:
    rpc = Rpc(running.http_url)
    rpc.request("anvil_setLoggingEnabled", False)
    rpc.request("anvil_setBlockTimestampInterval", BLOCK_INTERVAL_S)
    rpc.close()


def _listening_port(process: subprocess.Popen[bytes], output: Path) -> int:
    for _ in range(START_POLLS):
        if process.poll() is not None:
            break
        found = re.search(rb"Listening on [0-9.]+:(\d+)", output.read_bytes())
        if found:
            return int(found[1])
        time.sleep(POLL_S)
    raise DevnetUnavailable(f"anvil did not start listening: {output.read_text()[-800:]}")
