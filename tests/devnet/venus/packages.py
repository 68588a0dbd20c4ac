"""The artifacts of Venus's npm packages, taken from their tarballs alone: installing them would bring Hardhat along."""

import base64
import hashlib
import subprocess
import tarfile
from functools import cache
from pathlib import Path

import orjson
from eth_utils.crypto import keccak

from tests.devnet.chain.compiler import Contract
from tests.devnet.chain.toolchain import CACHE, INSTALL_TIMEOUT_S, DevnetUnavailable, locked, node_modules, npm

ISOLATED, CORE = "@venusprotocol/isolated-pools@4.4.0", "@venusprotocol/venus-protocol@10.3.0"
_INTEGRITY = {
    ISOLATED: "OalbpAYhtUJ9ZPHNUKDFZQcvjvRwtFeKU59weL7pUG9AUPBH9CwYhsK/M3OC7YIUmFGe5nBV554nirqCWu2SKA==",
    CORE: "qGvjvUgYhK5REF/Cj4Lg4FNBMrEscnSSxr4sHL4WDlb2woPucvqLfGkw/f3XKFanf+lWD1G4K0Gzpdc430+BeQ==",
}
"""SHA-512 of each tarball, as the registry states it."""


@cache
def artifact(package: str, name: str) -> Contract:
    """A prebuilt artifact by contract name; raises DevnetUnavailable where the package cannot be had."""
    (path,) = _unpacked(package).glob(f"package/artifacts/contracts/**/{name}.sol/{name}.json")
    raw = orjson.loads(path.read_bytes())
    return Contract(name, tuple(raw["abi"]), raw["bytecode"], {}, raw["deployedBytecode"])


def error_names(*contracts: Contract) -> dict[str, str]:
    """The selectors of the contracts' own errors with their names."""
    errors = (entry for contract in contracts for entry in contract.abi if entry["type"] == "error")
    return {
        "0x" + keccak(text=f"{e['name']}({','.join(i['type'] for i in e['inputs'])})")[:4].hex(): str(e["name"])
        for e in errors
    }


def _unpacked(package: str) -> Path:
    folder = CACHE / "venus" / package.rsplit("/", 1)[1]
    node_modules()
    with locked(CACHE / "venus.lock"):
        if not (folder / "done").exists():
            folder.mkdir(parents=True, exist_ok=True)
            tarball = _tarball(package, folder)
            with tarfile.open(tarball) as tar:
                members = [m for m in tar.getmembers() if "/artifacts/contracts/" in m.name and _is_wanted(m.name)]
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
    return name.endswith(".json") and not name.endswith(".dbg.json") and "/test/" not in name
