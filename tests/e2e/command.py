"""Runs `hfm` as a person does, and keeps its exit code and what it said."""

import contextlib
import io
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import structlog

from monitor.cli import main
from tests.devnet import Market

DEPLOYMENT = "local-core"


@dataclass(frozen=True)
class Said:
    """How a command ended."""

    code: int
    out: str
    err: str


def hfm(*arguments: object) -> Said:
    """Run a verb to its end in this process, which saves its start-up; everything else is as a person has it."""
    out, err = io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main([*map(str, arguments)])
    except SystemExit as e:
        return Said(int(e.code or 0), out.getvalue(), err.getvalue())
    finally:
        structlog.reset_defaults()
    raise AssertionError("a verb leaves with an exit code")


def hfm_process(*arguments: object, timeout_s: float = 60, cwd: Path | None = None, **environment: str) -> Said:
    """Run a verb to its end as another process."""
    done = subprocess.run(
        [sys.executable, "-m", "monitor", *map(str, arguments)],
        check=False,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])} | environment,
    )
    return Said(done.returncode, done.stdout, done.stderr)


def config_of(
    market: Market, folder: Path, more: str = "", url: str | None = None, provider: str | None = None
) -> Path:
    """Write the configuration that names a market's addresses provider and nothing else of it."""
    path = folder / "hfm.toml"
    path.write_text(
        f"""[[chain]]
name = "local"
id = "eip155:31337"
rpc = ["{url or market.chain.node.http_url}"]
allow_private = true

[[deployment]]
name = "{DEPLOYMENT}"
protocol = "aave_v3"
chain = "local"
pool_addresses_provider = "{provider or market.deployed.provider}"
{more}
"""
    )
    return path


def accounts_of(users: list[str] | tuple[str, ...], folder: Path) -> Path:
    """Write a list of accounts as people keep them, with comments."""
    path = folder / "accounts.txt"
    path.write_text("# borrowers\n" + "".join(f"{user}  # one of them\n" for user in users))
    return path
