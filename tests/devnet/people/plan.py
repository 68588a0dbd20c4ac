"""What one account will do, and the transactions that do it."""

from collections.abc import Iterator
from dataclasses import dataclass

from eth_utils.crypto import keccak

from tests.devnet.aave.deployed import Deployed
from tests.devnet.aave.market import MAX, VARIABLE
from tests.devnet.chain.client import Transaction
from tests.devnet.chain.codec import calldata

APPROVE, MINT = "approve(address,uint256)", "mint(address,uint256)"
SUPPLY = "supply(address,uint256,address,uint16)"
BORROW = "borrow(address,uint256,uint256,uint16,address)"
USE = "setUserUseReserveAsCollateral(address,bool)"


@dataclass(frozen=True)
class Plan:
    """In this order: enter `e_mode`, make `supplies`, switch collateral on and off, make `borrows`. Raw amounts."""

    user: str
    supplies: tuple[tuple[str, int], ...] = ()
    borrows: tuple[tuple[str, int, int], ...] = ()
    e_mode: int = 0
    enabled: tuple[str, ...] = ()
    disabled: tuple[str, ...] = ()

    def transactions(self, deployed: Deployed) -> Iterator[Transaction]:
        """Return its transactions, in order; the account mints its own tokens."""
        if self.e_mode:
            yield Transaction(self.user, deployed.pool, calldata("setUserEMode(uint8)", self.e_mode))
        for symbol, amount in self.supplies:
            token = deployed.reserve(symbol).token
            yield Transaction(self.user, token, calldata(MINT, self.user, amount))
            yield Transaction(self.user, token, calldata(APPROVE, deployed.pool, MAX))
            yield Transaction(self.user, deployed.pool, calldata(SUPPLY, token, amount, self.user, 0))
        for switched, on in ((self.disabled, False), (self.enabled, True)):
            for symbol in switched:
                yield Transaction(self.user, deployed.pool, calldata(USE, deployed.reserve(symbol).token, on))
        for symbol, amount, mode in self.borrows:
            token = deployed.reserve(symbol).token
            yield Transaction(self.user, deployed.pool, calldata(BORROW, token, amount, mode, 0, self.user))


def address(seed: int, group: str, index: int) -> str:
    """The same address for the same seed, group and index, and for nothing else."""
    return "0x" + keccak(f"{seed}/{group}/{index}".encode())[-20:].hex()


def variable(borrows: dict[str, int]) -> tuple[tuple[str, int, int], ...]:
    """Variable-rate borrows by symbol; amounts of zero are left out."""
    return tuple((symbol, amount, VARIABLE) for symbol, amount in borrows.items() if amount)
