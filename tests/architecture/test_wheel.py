"""The wheel works away from the checkout: with its data, its command and nothing but the locked dependencies."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT, files
from tests.devnet import Market
from tests.e2e.command import DEPLOYMENT, accounts_of, config_of

WHEELS = Path(os.environ.get("UV_CACHE_DIR", ROOT / ".cache" / "uv"))
pytestmark = pytest.mark.xdist_group("wheel")


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k not in {"PYTHONPATH", "VIRTUAL_ENV", "UV_CACHE_DIR"}}
    environment |= {"UV_CACHE_DIR": str(WHEELS), "UV_OFFLINE": "1", "UV_PYTHON_DOWNLOADS": "never"}
    return subprocess.run(
        [str(c) for c in command], cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=120
    )


def must_run(*command: str | Path, cwd: Path) -> str:
    done = run(*command, cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built without a network."""
    out = tmp_path_factory.mktemp("dist")
    must_run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", out, cwd=ROOT)
    (built,) = out.glob("hfm-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the commands of an environment that holds the wheel and its locked dependencies only."""
    if not (ROOT / ".venv" / ".synced").exists():
        pytest.skip("the packages of this environment are not in the cache: `./dev test` puts them there")
    place = tmp_path_factory.mktemp("elsewhere") / "venv"
    uv = Path(sys.executable).parent / "uv"
    must_run(uv, "venv", "-q", "--python", sys.executable, place, cwd=place.parent)
    python = place / "bin" / "python"
    locked = ROOT / "requirements" / "runtime.txt"
    must_run(uv, "pip", "sync", "-q", "--python", python, "--require-hashes", locked, cwd=place.parent)
    must_run(uv, "pip", "install", "-q", "--python", python, "--no-deps", wheel, cwd=place.parent)
    return place / "bin"


def test_the_wheel_carries_the_code_the_data_and_the_licence(wheel: Path):
    names = set(zipfile.ZipFile(wheel).namelist())
    data = {f"monitor/_{p.relative_to(ROOT)}" for kind in ("abis", "config") for p in files(kind)}
    code = {str(p.relative_to(ROOT)) for p in files("monitor")}
    assert data | code <= names
    assert not [n for n in names if n.startswith("tests/")]
    assert any(n.endswith("licenses/LICENSE") for n in names)


def test_the_installed_package_finds_its_data_and_needs_no_undeclared_package(installed: Path, tmp_path: Path):
    found = must_run(
        installed / "python",
        "-c",
        "from monitor import resources as r; print(r.abis(), r.config(), sep='\\n')",
        cwd=tmp_path,
    ).split()
    assert [Path(f).name for f in found] == ["_abis", "_config"]
    assert all(Path(f).is_dir() for f in found)


def test_every_module_of_the_installed_package_imports(installed: Path, tmp_path: Path):
    walk = (
        "import importlib, pkgutil, monitor\n"
        "for m in pkgutil.walk_packages(monitor.__path__, 'monitor.'):\n"
        "    m.name.endswith('__main__') or importlib.import_module(m.name)"
    )
    must_run(installed / "python", "-W", "error::ImportWarning", "-c", walk, cwd=tmp_path)


def test_the_installed_command_explains_itself(installed: Path, tmp_path: Path):
    assert "snapshot" in must_run(installed / "hfm", "--help", cwd=tmp_path)


def test_the_installed_command_checks_its_settings_away_from_the_checkout(installed: Path, tmp_path: Path):
    said = must_run(installed / "hfm", "check", cwd=tmp_path)
    assert "The settings are valid." in said


@pytest.mark.devnet
def test_the_installed_command_takes_a_snapshot_equal_to_the_contract(
    installed: Path, tmp_path: Path, settled_v30: Market
):
    users = settled_v30.accounts[:50]
    config, accounts, output = config_of(settled_v30, tmp_path), accounts_of(users, tmp_path), tmp_path / "out.jsonl"
    must_run(
        *(installed / "hfm", "snapshot", "--config", config, "--deployment", DEPLOYMENT),
        *("--accounts", accounts, "--output", output),
        cwd=tmp_path,
    )
    rows = [json.loads(line) for line in output.read_text().splitlines()]
    truth = settled_v30.accounts_data(users)
    assert [int(row["debt_base"]) for row in rows] == [data.debt_base for data in truth]
