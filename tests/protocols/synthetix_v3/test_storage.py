"""The places of storage that are read are those where a compiler puts structs of such a shape: on a real chain."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from monitor.domain.ids import Address
from monitor.protocols.synthetix_v3 import storage
from monitor.protocols.synthetix_v3.storage import Stored
from monitor.query import StorageRead, ask_raw
from tests.devnet.chain.client import running_chain
from tests.devnet.chain.compiler import compiled
from tests.protocols.answering import Node
from tests.protocols.family import ReaderAt

pytestmark = pytest.mark.devnet

MARKET, ACCOUNT = 200, 170141183460469231731687303715884105735
SIZE, ENTRY, FUNDED, CHARGED = -7 * 10**18, 90_000 * 10**18, -3 * 10**15, 5 * 10**14
SHAPE = """// SPDX-License-Identifier: MIT
pragma solidity ^0.8.0;

contract Shape {
    struct Set { bytes32[] values; mapping(bytes32 => uint256) places; }
    struct Numbers { Set raw; }
    struct Position { uint128 market; int128 size; uint128 entry; int128 funded; uint256 charged; }
    struct Market {
        string name; string symbol; uint128 id; int256 skew; uint256 size; int256 rate; int256 funding; uint256 time;
        uint128 unused1; uint128 unused2; int256 correction;
        mapping(uint256 => uint256) orders; mapping(uint256 => Position) positions; uint256[] liquidations;
    }
    struct Global {
        Numbers flagged; mapping(uint128 => uint256) amounts; Numbers coins; Numbers markets; uint256 debt;
    }
    struct Interest { uint256 accrued; uint128 rate; uint256 time; }
    struct Factory { address oracle; address usd; address core; address spot; }

    function at(bytes32 place) private pure returns (
        Market storage market, Global storage whole, Interest storage interest, Factory storage factory
    ) {
        assembly { market.slot := place whole.slot := place interest.slot := place factory.slot := place }
    }

    function write(uint128 id, uint128 account, int128 size, uint128 entry, int128 funded, uint256 charged) external {
        (Market storage market, , , ) = at(keccak256(abi.encode("io.synthetix.perps-market.PerpsMarket", id)));
        (market.skew, market.size, market.rate, market.funding, market.time) = (-11, 12, -13, -14, 15);
        market.positions[account] = Position(id, size, entry, funded, charged);
        (, Global storage whole, , ) = at(keccak256(abi.encode("io.synthetix.perps-market.GlobalPerpsMarket")));
        whole.debt = 21;
        whole.coins.raw.values.push(bytes32(uint256(0)));
        whole.coins.raw.values.push(bytes32(uint256(4)));
        (, , Interest storage interest, ) = at(keccak256(abi.encode("io.synthetix.perps-market.InterestRate")));
        (interest.accrued, interest.rate, interest.time) = (31, 32, 33);
        (, , , Factory storage factory) = at(keccak256(abi.encode("io.synthetix.perps-market.PerpsMarketFactory")));
        (factory.oracle, factory.usd, factory.core, factory.spot) =
            (address(41), address(42), address(43), address(44));
    }
}
"""


class Written:
    """A contract in whose storage structs of the perps market's shape were filled in."""

    def __init__(self, reader: ReaderAt, at: Address) -> None:
        self.reader, self.at = reader, at

    def words(self, questions: Sequence[StorageRead]) -> tuple[Any, ...]:
        return self.reader.read(ask_raw(*questions))


@pytest.fixture(scope="module")
def written() -> Iterator[Written]:
    with running_chain() as chain:
        at = chain.deploy(compiled("synthetix-v3-shape", {"Shape.sol": SHAPE}, "paris", 200)["Shape"].bytecode)
        signature = "write(uint128,uint128,int128,uint128,int128,uint256)"
        chain.send(at, signature, MARKET, ACCOUNT, SIZE, ENTRY, FUNDED, CHARGED)
        yield Written(ReaderAt(Node(chain.rpc), "latest"), Address(at))


def test_a_position_is_found_where_the_compiler_puts_it(written: Written):
    words = written.words(storage.position_words(written.at, MARKET, ACCOUNT))
    assert storage.position_of(words, MARKET) == Stored(SIZE, ENTRY, FUNDED, CHARGED)


def test_a_markets_funding_and_everyones_interest_are_found_where_the_compiler_puts_them(written: Written):
    market = written.words(storage.market_words(written.at, MARKET))
    assert [storage.signed(word) for word in market] == [-11, 12, -13, -14, 15]
    assert [storage.number(word) for word in written.words(storage.interest_words(written.at))] == [31, 32, 33]


def test_the_total_of_debts_is_found_behind_sets_of_two_words_each(written: Written):
    assert [storage.number(word) for word in written.words([storage.debt_word(written.at)])] == [21]


def test_the_collaterals_that_anyone_has_are_found_where_the_compiler_puts_them(written: Written):
    assert written.reader.read(storage.read_held(written.at)) == (0, 4)


def test_the_contracts_beside_are_found_where_the_compiler_puts_them(written: Written):
    found = [storage.address_in(word) for word in written.words(storage.factory_words(written.at))]
    assert found == [f"0x{number:040x}" for number in (41, 42, 44)]
