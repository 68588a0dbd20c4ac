"""The artifacts of the curie and Uniswap packages, from their tarballs alone: an install would reach for GitHub."""

import base64
import hashlib
import subprocess
import tarfile
from functools import cache
from pathlib import Path

import orjson

from tests.devnet.chain.compiler import Contract
from tests.devnet.chain.toolchain import CACHE, INSTALL_TIMEOUT_S, DevnetUnavailable, locked, node_modules, npm

CURIE, UNISWAP = "@perp/curie-contract@2.8.4", "@uniswap/v3-core@1.0.1"
_INTEGRITY = {
    CURIE: "fTHxpzzuHlSyCEvI6T8Ya10Oz3Y4T06YTiCciR/4uvR9rx/9Afmm8nDLJ85ZwXiA0edce9bPUkE/ZcKY4xkJEw==",
    UNISWAP: "7pVk4hEm00j9tc71Y9+ssYpO6ytkeI0y7WE9P6UcmNzhxPePwyAxImuhVsTqWK9YFvzgtvzJHi64pBl4jUzKMQ==",
}
"""SHA-512 of each tarball, as the registry states it."""


@cache
def artifact(package: str, name: str) -> Contract:
    """A prebuilt artifact by contract name; raises DevnetUnavailable where the package cannot be had."""
    (path,) = _unpacked(package).glob(f"package/artifacts/contracts/**/{name}.sol/{name}.json")
    raw = orjson.loads(path.read_bytes())
    return Contract(name, tuple(raw["abi"]), raw["bytecode"], {}, raw["deployedBytecode"])


def _unpacked(package: str) -> Path:
    folder = CACHE / "curie" / package.rsplit("/", 1)[1]
    node_modules()
    with locked(CACHE / "curie.lock"):
        if not (folder / "done").exists():
            folder.mkdir(parents=True, exist_ok=True)
            tarball = _tarball(package, folder)
            with tarfile.open(tarball) as tar:
                members = [one for one in tar.getmembers() if _is_wanted(one.name)]
                tar.extractall(folder, members, filter="data")
            tarball.unlink()
            (folder / "done").write_text(package)
    return folder


def _tarball(package: str, folder: Path) -> Path:
    command = [*npm(), "pack", package, "--loglevel=error", "--pack-destination", str(folder)]
    try:
        done = subprocess.run(command, cwd=CACHE, check=True, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as e:
        raise DevnetUnavailable(f"`npm pack {package}` failed: check the npm registry setting: {e}") from e
    tarball = folder / done.stdout.strip().splitlines()[-1]
    found = base64.b64encode(hashlib.sha512(tarball.read_bytes()).digest()).decode()
    if found != _INTEGRITY[package]:
        raise DevnetUnavailable(f"expected {package} with sha512 {_INTEGRITY[package]}, found {found}")
    return tarball


def _is_wanted(name: str) -> bool:
    return "/artifacts/contracts/" in name and name.endswith(".json") and not name.endswith(".dbg.json")
