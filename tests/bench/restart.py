"""`python -m tests.bench.restart`: how soon the service has its list, from nothing and when it is started again."""

import argparse
import tempfile
from pathlib import Path

from tests.crash.restarted import started


def main(accounts: int) -> None:
    """Print one line for each start; each is ended by a kill."""
    with tempfile.TemporaryDirectory(prefix="hfm-bench-") as name:
        print(f"from nothing:  {started(Path(name), accounts, 0)}")
        print(f"started again: {started(Path(name), accounts, 1)}")
        print(f"once more:     {started(Path(name), accounts, 1)}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.bench.restart", description=__doc__)
    parser.add_argument("--accounts", type=int, default=100_000)
    main(parser.parse_args().accounts)
