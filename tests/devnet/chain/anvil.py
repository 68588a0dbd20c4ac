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

# The node ends when the pipe to its supervisor closes: also when this process is killed and can clean up nothing.
SUPERVISOR = """
folder=$1; shift
exec 3<&0
"$@" </dev/null 3<&- &
node=$!
echo "process $node"
{ read -r _ <&3; trap '' TERM; kill -9 "$node"; rm -rf -- "$folder"; } 2>/dev/null &
guard=$!
wait "$node"
kill "$guard" 2>/dev/null
"""
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
    *extra_flags: str,
    port: int = 0,
    timestamp_s: int = GENESIS_TIMESTAMP_S,
    gas_limit: int = BLOCK_GAS_LIMIT,
    chain_id: int = CHAIN_ID,
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
        command += ["--chain-id", str(chain_id), "--ipc", ipc_path, *FLAGS, *extra_flags]
        with output.open("wb") as stream:
            process = subprocess.Popen(
                ["sh", "-c", SUPERVISOR, "sh", home, *command],
                stdin=subprocess.PIPE,
                stdout=stream,
                stderr=stream,
                env={**os.environ, "HOME": home},
                start_new_session=True,
            )
        try:
            running = _listening(process, output, ipc_path)
            _settle(running)
            yield running
        finally:
            if process.stdin is not None:
                process.stdin.close()
            process.wait()


def _settle(running: Anvil) -> None:
    rpc = Rpc(running.http_url)
    rpc.request("anvil_setLoggingEnabled", False)
    rpc.request("anvil_setBlockTimestampInterval", BLOCK_INTERVAL_S)
    rpc.close()


def _listening(process: subprocess.Popen[bytes], output: Path, ipc_path: str) -> Anvil:
    for _ in range(START_POLLS):
        if process.poll() is not None:
            break
        text = output.read_text()
        port, pid = re.search(r"Listening on [0-9.]+:(\d+)", text), re.search(r"process (\d+)", text)
        if port and pid:
            return Anvil(f"http://127.0.0.1:{port[1]}", f"ws://127.0.0.1:{port[1]}", ipc_path, int(pid[1]))
        time.sleep(POLL_S)
    raise DevnetUnavailable(f"anvil did not start listening: {output.read_text()[-800:]}")
