"""The example notebook runs, cell by cell as a kernel would, and the library says what the contracts say."""

import ast
import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from monitor import snapshot
from monitor.errors import UsageError
from tests.devnet import Market
from tests.e2e.command import DEPLOYMENT, config_of

NOTEBOOK = Path(__file__).with_name("health.ipynb")
GROUP = pytest.mark.xdist_group("v36")


def run(notebook: Path) -> dict[str, Any]:
    """Run the code cells in order in one namespace, the last expression of each shown as a notebook shows it."""
    content = json.loads(notebook.read_text(encoding="utf-8"))
    assert content["nbformat"] == 4
    names: dict[str, Any] = {"__name__": "__main__"}
    for place, cell in enumerate(content["cells"]):
        assert cell["id"]
        if cell["cell_type"] != "code":
            continue
        assert cell["outputs"] == [], "a notebook is kept without what it once showed"
        tree = ast.parse("".join(cell["source"]))
        *body, last = tree.body
        exec(compile(ast.Module(body, []), f"cell {place}", "exec"), names)  # that is what a notebook is
        assert isinstance(last, ast.Expr)
        shown = eval(compile(ast.Expression(last.value), f"cell {place}", "eval"), names)  # as above
        assert len(str(shown)) > 20
    return names


@pytest.mark.devnet
@GROUP
def test_the_example_notebook_runs_from_top_to_bottom(
    market_v36: Market, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    config_of(market_v36, tmp_path, "start_block = 0")
    market_v36.chain.mine(1)
    monkeypatch.chdir(tmp_path)
    names = run(NOTEBOOK)
    measured = names["measured"]
    truth = {user.lower(): market_v36.account_data(user) for user in market_v36.accounts}
    owing = {user for user, data in truth.items() if data.debt_base}
    assert set(measured["key"]) >= owing - set(names["frame"].query("status == 'unmeasurable'")["key"])
    assert names["by_band"]["count"].sum() == len(measured) > 100
    assert set(names["by_asset"]["side"]) == {"collateral", "debt"}
    assert len(names["change"]) == len(measured)


@pytest.mark.devnet
@GROUP
async def test_a_snapshot_is_the_contracts_and_works_inside_a_running_loop(market_v36: Market, tmp_path: Path):
    users = market_v36.accounts[:40]
    config = config_of(market_v36, tmp_path)
    asyncio.get_running_loop()
    rows = snapshot(config=config, deployment=DEPLOYMENT, accounts=users, block=market_v36.chain.head().number)
    frame, other = rows.to_pandas(), rows.to_polars()
    assert len(rows) == len(rows[:]) == len(frame) == other.height == len(users)
    for row, cell, user in zip(rows, other["native_health"].to_list(), users, strict=True):
        data = market_v36.account_data(user)
        if data.debt_base:
            assert int(str(row["native_health"])) == int(cell) == data.health_factor_wad
            assert int(frame.set_index("key").loc[user.lower(), "debt_base"]) == data.debt_base
    assert str(frame["health_factor"].dtype) == "float64"
    assert (
        other["health_factor"].to_list()
        == frame["health_factor"].astype(object).where(frame["health_factor"].notna(), None).tolist()
    )


def test_what_cannot_be_asked_is_our_own_failure(tmp_path: Path):
    path = tmp_path / "hfm.toml"
    path.write_text('[[chain]]\nname = "ethereum"\nrpc = ["http://127.0.0.1:1"]\n')
    with pytest.raises(UsageError):
        snapshot(config=path, deployment="ethereum-core", accounts=["nobody"])


def test_importing_the_package_loads_nothing_of_it():
    script = "import sys, monitor; print([m for m in sys.modules if m.startswith(('monitor.', 'numpy', 'web3'))])"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
