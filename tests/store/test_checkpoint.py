"""A checkpoint carries a market to another machine exactly, and a harmed or hostile file is refused by its line."""

import hashlib
import json
import random
import time
from pathlib import Path

import numpy as np
import pytest

from monitor.domain.ids import DeploymentName, MarketKey, Slug
from monitor.errors import UsageError
from monitor.ledger.accounts import Accounts
from monitor.ledger.changes import Changes
from monitor.ledger.ledger import Ledger
from monitor.store.ledgers.checkpoint import Origin, known_by_key, read_checkpoint, whole, write_checkpoint
from tests.ledger.scripted import CHAIN, account, changes, held, key, ref
from tests.ledger.synthetic import people

ORIGIN = Origin(CHAIN, Slug("aave_v3"), DeploymentName("local-core"), MarketKey("0x" + "cc" * 20), ref(7))


def lively(key_bytes: int = 20, owners: int = 0) -> Ledger:
    ledger, chance = Ledger(key_bytes, has_owners=bool(owners)), random.Random(3)
    for number in range(1, 30):
        ledger.apply(changes(ref(number), chance, 60, key_bytes, owners, most=20))
    return ledger


@pytest.mark.parametrize(("key_bytes", "owners"), [(20, 0), (32, 5), (7, 0)])
def test_a_ledger_comes_out_of_a_checkpoint_as_it_went_in(tmp_path: Path, key_bytes: int, owners: int):
    ledger, path = lively(key_bytes, owners), tmp_path / "core.jsonl"
    origin = Origin(CHAIN, ORIGIN.protocol, ORIGIN.deployment, ORIGIN.market, ref(7), key_bytes)
    assert write_checkpoint(path, origin, whole(ledger)) == len(ledger)
    found = read_checkpoint(path)
    assert found.origin == origin
    assert sorted(found.keys) == sorted(ledger.keys(ledger.live()))
    twin = Ledger(key_bytes, has_owners=bool(owners))
    for part in found.parts:
        twin.apply(Changes(origin.at, part))
    known = {k: v for k, v in held(ledger).items() if not v.is_stale}
    assert {k: v for k, v in held(twin).items() if not v.is_stale} == known
    assert sorted(twin.keys(twin.stale())) == sorted(ledger.keys(ledger.stale()))
    assert 0 < len(known) < len(ledger)


def test_a_checkpoint_may_hold_keys_only_or_nothing(tmp_path: Path):
    keys = [key(n) for n in range(45_000)]
    path = tmp_path / "keys.jsonl"
    assert write_checkpoint(path, ORIGIN, [known_by_key(keys)]) == 45_000
    assert list(read_checkpoint(path).keys) == keys
    assert write_checkpoint(path, ORIGIN, []) == 0
    assert read_checkpoint(path).keys == ()


def _lines(tmp_path: Path) -> list[str]:
    chance = random.Random(1)
    path = tmp_path / "good.jsonl"
    people = Accounts.of((account(n, chance) for n in range(6)), failed=[(key(9), "refused")])
    write_checkpoint(path, ORIGIN, [people])
    return path.read_text().splitlines()


def _sealed(lines: list[str], count: int) -> str:
    """Return the text with an end that fits, as a stranger can make it."""
    body = "".join(line + "\n" for line in lines)
    return body + json.dumps({"positions": count, "sha256": hashlib.sha256(body.encode()).hexdigest()}) + "\n"


def test_every_flipped_bit_and_every_cut_of_a_checkpoint_is_noticed(tmp_path: Path):
    data = "\n".join([*_lines(tmp_path), ""]).encode()
    path, chance = tmp_path / "harmed.jsonl", random.Random(4)
    path.write_bytes(data)
    assert len(read_checkpoint(path).keys) == 7
    harmed = [data[:cut] for cut in chance.sample(range(len(data)), 60)] + [data + b"\n", data + data, b""]
    flipped = chance.sample(range(len(data)), 200)
    harmed += [data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :] for at in flipped]
    for bad in harmed:
        path.write_bytes(bad)
        with pytest.raises(UsageError, match=r"harmed\.jsonl, line \d+: expected"):
            read_checkpoint(path)


A = f'"{key(1)}"'
HOSTILE = [
    f"[{A},1,[[0,0,1]]]",
    f'[{A},1,[[0,0,"{2**128}"]]]',
    f'[{A},1,[[0,0,"-1"]]]',
    f'[{A},1,[[0,0,"1e9"]]]',
    f'[{A},1,[[0,0,"{"9" * 5000}"]]]',
    f'[{A},1,[[65536,0,"1"]]]',
    f'[{A},1,[[0,256,"1"]]]',
    f'[{A},1,[[0,0.5,"1"]]]',
    f"[{A},1,[[0,0]]]",
    f"[{A},65536,[]]",
    f"[{A},-1,[]]",
    f"[{A},1,{{}}]",
    f'[{A},1,[],"0x12"]',
    f"[{A},1,[],7]",
    f"[{A},1,[],{A},{A}]",
    f"[{A},1]",
    "[]",
    "[5]",
    '["0x12"]',
    f'["{key(1)[:-1]}g"]',
    f'["0x{"1 " * 20}"]',
    f'["1x{"12" * 20}"]',
    "[" * 5000 + "]" * 5000,
    "NaN",
    '"' + "x" * 2**20 + '"',
    "{}",
]


@pytest.mark.parametrize("line", HOSTILE, ids=range(len(HOSTILE)))
def test_a_checkpoint_that_a_stranger_wrote_is_refused_by_its_line(tmp_path: Path, line: str):
    head, first = _lines(tmp_path)[:2]
    path = tmp_path / "hostile.jsonl"
    path.write_text(_sealed([head, first, line], 2))
    with pytest.raises(UsageError, match=r"hostile\.jsonl, line \d: expected"):
        read_checkpoint(path)


def test_positions_named_twice_and_mixed_shapes_are_refused(tmp_path: Path):
    head, first = _lines(tmp_path)[:2]
    path = tmp_path / "odd.jsonl"
    for lines, why in (
        ([head, first, first], "each position once"),
        ([head, first, f'["{key(0)}"]'], "each position once"),
        ([head, f"[{A},1,[]]", f'["{key(2)}",1,[],"{key(3)}"]'], "one shape"),
    ):
        path.write_text(_sealed(lines, 2))
        with pytest.raises(UsageError, match=why):
            read_checkpoint(path)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"version": 2}, "version 2"),
        ({"format": "parquet"}, "parquet version 1"),
        ({"chain": "eip155:1"}, "what the checkpoint is of"),
        ({"key_bytes": 0}, "what the checkpoint is of"),
        ({"key_bytes": 10**9}, "what the checkpoint is of"),
        ({"at": None}, "what the checkpoint is of"),
        ({"market": 5}, "what the checkpoint is of"),
    ],
)
def test_a_file_of_something_else_is_refused_at_its_first_line(tmp_path: Path, changed: dict[str, object], why: str):
    head = json.loads(_lines(tmp_path)[0])
    path = tmp_path / "other.jsonl"
    path.write_text(_sealed([json.dumps({**head, **changed})], 0))
    with pytest.raises(UsageError, match=why):
        read_checkpoint(path)


def test_a_place_that_cannot_be_written_or_read_is_said_and_leaves_what_was_there(tmp_path: Path):
    for path in (tmp_path / "no" / "such.jsonl", tmp_path):
        with pytest.raises(UsageError, match="cannot write"):
            write_checkpoint(path, ORIGIN, [])
        with pytest.raises(UsageError, match="cannot read"):
            read_checkpoint(path)
    old = tmp_path / "old.jsonl"
    write_checkpoint(old, ORIGIN, [known_by_key([key(1)])])

    def fails():
        yield known_by_key([key(2)])
        raise UsageError("the chain is gone")

    with pytest.raises(UsageError, match="gone"):
        write_checkpoint(old, ORIGIN, fails())
    assert read_checkpoint(old).keys == (key(1),)
    assert [file.name for file in tmp_path.iterdir()] == ["old.jsonl"]


@pytest.mark.parametrize("count", [100_000, pytest.param(1_000_000, marks=pytest.mark.long)])
def test_a_whole_market_is_written_and_read_in_seconds(tmp_path: Path, count: int):
    ledger, path = Ledger(), tmp_path / "big.jsonl"
    ledger.load(people(count), np.zeros(count, np.bool_))
    started = time.perf_counter()
    write_checkpoint(path, ORIGIN, whole(ledger))
    written_s = time.perf_counter() - started
    found = read_checkpoint(path)
    read_s = time.perf_counter() - started - written_s
    twin = Ledger()
    for part in found.parts:
        twin.apply(Changes(ORIGIN.at, part))
    print(f"{count} accounts: {path.stat().st_size // 2**20} MiB, written in {written_s:.1f} s, read in {read_s:.1f} s")
    assert twin.digest == ledger.digest
    assert written_s + read_s <= 1e-4 * count
