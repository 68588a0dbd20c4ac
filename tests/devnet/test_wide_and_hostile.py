"""The pool of many reserves, the tokens that hurt, and Multicall3."""

from collections import Counter

import pytest
from eth_abi.abi import decode

from tests.devnet import HOSTILE, Chain, Market, Reverted, RpcError, hostile_tokens, install_multicall3, legs_of
from tests.devnet.chain.codec import calldata
from tests.devnet.people.moments import liquidate_some

pytestmark = pytest.mark.devnet
SYMBOL = "symbol()(string)"


def test_written_positions_count_for_the_contract_as_three_legs_with_debt(settled_wide: Market) -> None:
    users = settled_wide.accounts
    legs = legs_of(settled_wide, users)
    counted = Counter((len(mine.collateral), len(mine.debts)) for mine in legs.values())
    assert len(settled_wide.deployed.reserves) == 60
    assert counted[2, 1] > 0.99 * len(users)
    assert {symbol for mine in legs.values() for symbol in mine.collateral} > {f"W{i:02d}" for i in range(30)}


def test_a_written_position_has_the_value_its_legs_add_up_to(settled_wide: Market) -> None:
    prices = settled_wide.oracle_prices()
    user = settled_wide.accounts[17]
    mine = legs_of(settled_wide, [user])[user]
    data = settled_wide.account_data(user)
    units = {r.symbol: r.unit for r in settled_wide.deployed.reserves}
    assert data.collateral_base == sum(raw * prices[s] // units[s] for s, raw in mine.collateral.items())
    assert data.debt_base == sum(-(-raw * prices[s] // units[s]) for s, raw in mine.variable_debt.items())


def test_a_written_position_can_be_liquidated_like_any_other(settled_wide: Market) -> None:
    with settled_wide.chain.undone():
        assert len(liquidate_some(settled_wide, 5)) == 5


def test_a_pool_that_lists_hostile_tokens_still_values_their_holders(settled_hostile: Market) -> None:
    for data in settled_hostile.accounts_data(settled_hostile.accounts):
        assert data.collateral_base == 1_000 * 10**8
        assert 299 * 10**8 < data.debt_base < 301 * 10**8


def test_each_hostile_symbol_does_what_its_name_says(chain: Chain) -> None:
    tokens = hostile_tokens(chain)
    assert set(tokens) == set(HOSTILE)
    for name in ("RevertingSymbol", "InvalidOpcodeSymbol", "EndlessSymbol", "OffchainLookupSymbol"):
        with pytest.raises(Reverted):
            chain.view(tokens[name], SYMBOL)
    sizes = {name: len(_answer(chain, tokens[name])) for name in ("HugeSymbol", "Bytes32Symbol", "SilentSymbol")}
    assert sizes == {"HugeSymbol": 2 * 1024 * 1024, "Bytes32Symbol": 32, "SilentSymbol": 0}
    assert decode(["bytes"], _answer(chain, tokens["NonUtf8Symbol"])) == (bytes.fromhex("ff00fec3"),)
    assert chain.view(tokens["EmptySymbol"], SYMBOL) == ""
    assert chain.view(tokens["MarkupSymbol"], SYMBOL).startswith("=HYPERLINK")
    assert len(chain.view(tokens["LongSymbol"], SYMBOL)) == 10_000
    assert _answer(chain, tokens["PointerBombSymbol"]) == b"\xff" * 64
    assert chain.view(tokens["Decimals77"], "decimals()(uint8)") == 77


def _answer(chain: Chain, token: str) -> bytes:
    return bytes.fromhex(chain.rpc.request("eth_call", {"to": token, "data": calldata("symbol()")}, "latest")[2:])


def test_a_node_error_that_is_no_revert_stays_a_node_error(chain: Chain) -> None:
    with pytest.raises(RpcError):
        chain.view("0x" + "11" * 20, SYMBOL, block={"blockHash": "0x" + "ab" * 32})


def test_multicall3_answers_at_its_canonical_address(chain: Chain) -> None:
    token = hostile_tokens(chain)["EmptySymbol"]
    multicall = install_multicall3(chain)
    calls = [(token, True, bytes.fromhex(calldata(s)[2:])) for s in ("decimals()", "nothing()")]
    (good, bad) = chain.view(multicall, "aggregate3((address,bool,bytes)[])((bool,bytes)[])", calls)
    assert good == (True, (18).to_bytes(32, "big"))
    assert bad[0] is False
