"""Positions written straight into contract storage: thousands of accounts in the time of one transaction each.

Such accounts have no history of events. Totals of the tokens are not touched.
"""

from collections.abc import Mapping, Sequence

from eth_utils.crypto import keccak

from tests.devnet.aave.market import Market
from tests.devnet.chain.codec import word
from tests.devnet.chain.rpc import strict

USERS_CONFIG_SLOT = 53
USERS_E_MODE_SLOT = 56
CANDIDATE_SLOTS = range(50, 70)
BALANCE_MASK = (1 << 120) - 1


def mapping_slot(account: str, slot: int) -> str:
    """The storage slot of `mapping[account]`, for a mapping at `slot`."""
    return "0x" + keccak(bytes.fromhex(account[2:].rjust(64, "0")) + slot.to_bytes(32, "big")).hex()


def user_state_slot(market: Market, token: str, holder: str) -> int:
    """The slot of a token's `_userState`, found by looking for the balance of a known holder."""
    scaled = market.chain.view(token, "scaledBalanceOf(address)(uint256)", holder)
    reads = [("eth_getStorageAt", (token, mapping_slot(holder, slot), "latest")) for slot in CANDIDATE_SLOTS]
    found = [
        slot
        for slot, value in zip(CANDIDATE_SLOTS, strict(market.chain.rpc.batch(reads)), strict=True)
        if scaled and int(value, 16) & BALANCE_MASK == scaled
    ]
    if len(found) != 1:
        raise LookupError(f"expected one storage slot of {token} that holds the balance of {holder}, found {found}")
    return found[0]


def write_positions(
    market: Market, known: tuple[str, str], positions: Mapping[str, tuple[Mapping[str, int], Mapping[str, int]]]
) -> None:
    """Give each account its scaled collateral and scaled variable debt by symbol, then mine a block.

    `known` is the symbol of a reserve and the address of one who supplies and borrows it: it shows where tokens keep
    balances, which is the same for every reserve of a market.
    """
    reserves = {r.symbol: r for r in market.deployed.reserves}
    symbol, holder = known
    a_slot = user_state_slot(market, reserves[symbol].a_token, holder)
    debt_slot = user_state_slot(market, reserves[symbol].variable_debt_token, holder)
    writes: list[tuple[str, Sequence[str]]] = []
    for account, (collateral, debt) in positions.items():
        bitmap = 0
        for symbol, scaled in collateral.items():
            bitmap |= 2 << 2 * reserves[symbol].id
            writes.append(_write(reserves[symbol].a_token, mapping_slot(account, a_slot), scaled))
        for symbol, scaled in debt.items():
            bitmap |= 1 << 2 * reserves[symbol].id
            writes.append(_write(reserves[symbol].variable_debt_token, mapping_slot(account, debt_slot), scaled))
        writes.append(_write(market.deployed.pool, mapping_slot(account, USERS_CONFIG_SLOT), bitmap))
    strict(market.chain.rpc.batch(writes, 5000))
    market.chain.mine()


def _write(contract: str, slot: str, value: int) -> tuple[str, Sequence[str]]:
    return "anvil_setStorageAt", (contract, slot, word(value))


def flag_as_collateral(market: Market, user: str, symbol: str) -> None:
    """Set the user's collateral bit without the pool's consent, as accounts have it from before a rule changed."""
    bitmap = market.chain.view(market.deployed.pool, "getUserConfiguration(address)(uint256)", user)
    bitmap |= 2 << 2 * market.reserve(symbol).id
    strict(market.chain.rpc.batch([_write(market.deployed.pool, mapping_slot(user, USERS_CONFIG_SLOT), bitmap)]))
    market.chain.mine()


def leave_e_mode(market: Market, user: str) -> None:
    """Put the user outside any e-mode without the pool's consent."""
    strict(market.chain.rpc.batch([_write(market.deployed.pool, mapping_slot(user, USERS_E_MODE_SLOT), 0)]))
    market.chain.mine()
