"""`./dev bench`: the promises measured on this machine, on a pool of 60 reserves that a local chain serves."""

import argparse
import tempfile
from pathlib import Path

from monitor.cli import main
from tests.devnet import aave_wide, install_multicall3, running_chain
from tests.e2e.command import DEPLOYMENT, accounts_of, config_of


def bench(accounts: int, *more: str) -> None:
    """Deploy the pool, write its accounts, and let `hfm bench` read them."""
    with running_chain() as chain, tempfile.TemporaryDirectory(prefix="hfm-bench-") as name:
        folder, market = Path(name), aave_wide(chain, accounts)
        install_multicall3(chain)
        config, listed = config_of(market, folder), accounts_of(market.accounts, folder)
        main(["bench", "--config", str(config), "--deployment", DEPLOYMENT, "--accounts", str(listed), *more])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("--accounts", type=int, default=3000)
    parser.add_argument("--check", action="store_true", help="leave with 1 when a budget is missed")
    arguments = parser.parse_args()
    bench(arguments.accounts, *(["--check"] if arguments.check else []))
