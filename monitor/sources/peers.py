"""How others read the same accounts, for the bench alone: a plain web3 program, and the PyPI package multicall."""

import asyncio
from collections.abc import Callable, Sequence

from web3 import Web3

from monitor.abi import Function
from monitor.domain.ids import Address
from monitor.errors import UsageError
from monitor.sources.rpc.spec import MULTICALL3

_USERS_PER_CALL = 500


def web3_contract_calls(url: str, pool: Address, function: Function, users: Sequence[Address]) -> Callable[[], int]:
    """Return a reader of one `contract.functions.….call()` per account, as web3's own documentation shows it."""
    return two_calls_per_account(url, pool, (function,), users)


def two_calls_per_account(
    url: str, pool: Address, functions: Sequence[Function], users: Sequence[Address]
) -> Callable[[], int]:
    """Return a reader that makes the calls of an account one after the other, as Euler's liquidation bot does."""
    abi = [
        {
            "name": function.name,
            "type": "function",
            "stateMutability": "view",
            "inputs": [{"name": "", "type": kind} for kind in function.inputs],
            "outputs": [{"name": "", "type": kind} for kind in function.outputs],
        }
        for function in functions
    ]
    web3 = Web3(Web3.HTTPProvider(url))
    contract = web3.eth.contract(address=Web3.to_checksum_address(pool), abi=abi)
    calls = [contract.functions[function.name] for function in functions]
    checksummed = [Web3.to_checksum_address(user) for user in users]
    return lambda: len([[call(user).call() for call in calls] for user in checksummed])


def multicall_package(url: str, pool: Address, function: Function, users: Sequence[Address]) -> Callable[[], int]:
    """Return a reader of all accounts by the package `multicall`; raises UsageError when it is not installed."""
    try:
        from multicall import Call, Multicall  # noqa: PLC0415  # a peer to measure against, not a dependency
        from multicall.constants import MULTICALL3_ADDRESSES  # noqa: PLC0415  # the same
    except ModuleNotFoundError as e:
        raise UsageError("the peer is not installed here: pip install multicall") from e
    web3 = Web3(Web3.HTTPProvider(url))
    # The package knows public chains only; the contract has the same address on a local one.
    MULTICALL3_ADDRESSES.setdefault(web3.eth.chain_id, Web3.to_checksum_address(MULTICALL3))
    outputs = range(len(function.outputs))
    signature = f"{function.name}({','.join(function.inputs)})({','.join(function.outputs)})"
    shares = [users[start : start + _USERS_PER_CALL] for start in range(0, len(users), _USERS_PER_CALL)]

    def read() -> int:
        asyncio.set_event_loop(asyncio.new_event_loop())
        found = 0
        for share in shares:
            calls = [Call(pool, [signature, user], [(f"{user}/{i}", _as_is) for i in outputs]) for user in share]
            found += len(Multicall(calls, _w3=web3)()) // len(outputs)
        return found

    return read


def _as_is(value: object) -> object:
    return value
