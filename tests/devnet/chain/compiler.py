"""Contracts from npm artifacts, and Solidity compiled once with npm solc and cached by the hash of its inputs."""

import hashlib
import json
import re
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from tests.devnet.chain.toolchain import CACHE, HOME, DevnetUnavailable, locked, node, node_modules

SOLC = "solc-0.8.28"
COMPILE_TIMEOUT_S = 240
RUNTIME = "evm.deployedBytecode.object"
DRIVER = """
const solc = require(process.argv[2]), fs = require('fs');
fs.writeFileSync(process.argv[4], solc.compile(fs.readFileSync(process.argv[3], 'utf8')));
"""


@dataclass(frozen=True)
class Contract:
    """A compiled contract: ABI, creation code with link placeholders, and where each library's address goes.

    `runtime` is the code as deployed by a constructor that sets no immutables.
    """

    name: str
    abi: tuple[Mapping[str, Any], ...]
    bytecode: str
    links: Mapping[str, tuple[int, ...]]
    runtime: str

    def linked(self, libraries: Mapping[str, str]) -> str:
        """Creation code with library addresses filled in. Raises `KeyError` for a library that is missing."""
        code = self.bytecode
        for library, offsets in self.links.items():
            for offset in offsets:
                code = code[: 2 + offset * 2] + libraries[library][2:].lower() + code[2 + offset * 2 + 40 :]
        return code


def _contract(
    name: str, abi: list[Any], bytecode: str, references: Mapping[str, Mapping[str, list[Any]]], runtime: str
) -> Contract:
    links = {lib: tuple(ref["start"] for ref in refs) for libs in references.values() for lib, refs in libs.items()}
    return Contract(name, tuple(abi), "0x" + bytecode.removeprefix("0x"), links, "0x" + runtime.removeprefix("0x"))


@cache
def artifact(package: str, name: str) -> Contract:
    """A prebuilt Hardhat artifact of an npm package, found by contract name."""
    found = list((node_modules() / package / "artifacts").glob(f"contracts/**/{name}.sol/{name}.json"))
    if len(found) != 1:
        raise DevnetUnavailable(
            f"expected one artifact of {name} in npm {package}, found {len(found)}: reinstall {node_modules()}"
        )
    raw = orjson.loads(found[0].read_bytes())
    return _contract(name, raw["abi"], raw["bytecode"], raw["linkReferences"], raw["deployedBytecode"])


@cache
def own(name: str) -> Contract:
    """A contract of this folder's `contracts/`, by name."""
    sources = {path.name: path.read_text() for path in sorted((HOME / "contracts").glob("*.sol"))}
    return compiled("own", sources, "paris", 200)[name]


def compiled(
    label: str,
    sources: Mapping[str, str],
    evm_version: str,
    runs: int,
    remappings: Mapping[str, str] | None = None,
    solc: str = SOLC,
) -> dict[str, Contract]:
    """Every contract in `sources` (path → text), from the cache when nothing has changed. Legacy pipeline."""
    settings = {
        "optimizer": {"enabled": True, "runs": runs},
        "evmVersion": evm_version,
        "remappings": [f"{prefix}={folder}" for prefix, folder in (remappings or {}).items()],
        "outputSelection": {"*": {"*": ["abi", "evm.bytecode.object", "evm.bytecode.linkReferences", RUNTIME]}},
    }
    standard = {
        "language": "Solidity",
        "sources": {p: {"content": t} for p, t in sorted(sources.items())},
        "settings": settings,
    }
    given = orjson.dumps(standard)
    key = hashlib.sha256(_solc_version(solc).encode() + given).hexdigest()[:32]
    stored = CACHE / "compiled" / f"{label}-{key}.json"
    with locked(CACHE / "compiled" / f"{label}.lock"):
        if not stored.exists():
            output = _compile(given, solc)
            partial = stored.with_suffix(".partial")
            partial.write_bytes(orjson.dumps(output))
            partial.rename(stored)
    contracts = orjson.loads(stored.read_bytes())
    return {name: _contract(name, c["abi"], c["code"], c["links"], c["runtime"]) for name, c in contracts.items()}


def _solc_version(solc: str) -> str:
    return str(json.loads((node_modules() / solc / "package.json").read_text())["version"])


def _compile(standard_json: bytes, solc: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="hfm-solc-") as folder:
        driver, given, answer = Path(folder, "driver.js"), Path(folder, "input.json"), Path(folder, "output.json")
        driver.write_text(DRIVER)
        given.write_bytes(standard_json)
        command = [str(node()), "--stack-size=8000", str(driver), str(node_modules() / solc), str(given), str(answer)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=COMPILE_TIMEOUT_S, check=False)
        if done.returncode:
            raise DevnetUnavailable(f"npm solc failed: {done.stderr[-800:]}")
        output = orjson.loads(answer.read_bytes())
    errors = [e["formattedMessage"] for e in output.get("errors", ()) if e["severity"] == "error"]
    if errors:
        raise DevnetUnavailable("Solidity does not compile:\n" + "\n".join(errors[:5]))
    return {
        name: {
            "abi": c["abi"],
            "code": c["evm"]["bytecode"]["object"],
            "links": c["evm"]["bytecode"]["linkReferences"],
            "runtime": c["evm"]["deployedBytecode"]["object"],
        }
        for contracts in output["contracts"].values()
        for name, c in contracts.items()
        if c["evm"]["bytecode"]["object"]
    }


def with_imports(entries: tuple[str, ...], remappings: Mapping[str, str]) -> dict[str, str]:
    """The entry files and all they import, by npm path; `remappings` turns an import's prefix into an npm folder."""
    root, found, waiting = node_modules(), dict[str, str](), list(entries)
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        text = (root / path).read_text()
        found[path] = text
        imports = re.findall(r"import\s+(?:[^'\";]*?from\s+)?['\"]([^'\"]+)['\"]", text)
        waiting.extend(_resolved(imported, path, remappings) for imported in imports)
    return found


def _resolved(imported: str, importer: str, remappings: Mapping[str, str]) -> str:
    if imported.startswith("."):
        parts: list[str] = []
        for part in [*importer.split("/")[:-1], *imported.split("/")]:
            if part == "..":
                parts.pop()
            elif part != ".":
                parts.append(part)
        return "/".join(parts)
    for prefix, folder in remappings.items():
        if imported.startswith(prefix):
            return folder + imported[len(prefix) :]
    return imported
