"""What one account will do, and the transactions that do it."""

from dataclasses import dataclass

from eth_utils.crypto import keccak

from tests.devnet.aave.deployed import Deployed
from tests.devnet.aave.market import MAX, VARIABLE
from tests.devnet.chain.client import DEPLOYER, Transaction
from tests.devnet.chain.codec import calldata

APPROVE, MINT = "approve(address,uint256)", "mint(address,uint256)"
PLAY = "play(address[],bytes[])"
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

    def calls(self, deployed: Deployed) -> list[tuple[str, str]]:
        """(target, calldata) of all it does, in order; the account mints its own tokens."""
        pool, tokens = deployed.pool, {r.symbol: r.token for r in deployed.reserves}
        calls = [(pool, calldata("setUserEMode(uint8)", self.e_mode))] if self.e_mode else []
        for symbol, amount in self.supplies:
            calls.append((tokens[symbol], calldata(MINT, self.user, amount)))
            calls.append((tokens[symbol], calldata(APPROVE, pool, MAX)))
            calls.append((pool, calldata(SUPPLY, tokens[symbol], amount, self.user, 0)))
        for switched, on in ((self.disabled, False), (self.enabled, True)):
            calls += [(pool, calldata(USE, tokens[symbol], on)) for symbol in switched]
        for symbol, amount, mode in self.borrows:
            calls.append((pool, calldata(BORROW, tokens[symbol], amount, mode, 0, self.user)))
        return calls

    def transaction(self, deployed: Deployed) -> Transaction:
        """Return all of it as one transaction, for an account that has the code of `Puppet`."""
        targets, data = zip(*self.calls(deployed), strict=True)
        played = calldata(PLAY, targets, [bytes.fromhex(d[2:]) for d in data])
        return Transaction(DEPLOYER, self.user, played)


def address(seed: int, group: str, index: int) -> str:
    """The same address for the same seed, group and index, and for nothing else."""
    return "0x" + keccak(f"{seed}/{group}/{index}".encode())[-20:].hex()


def variable(borrows: dict[str, int]) -> tuple[tuple[str, int, int], ...]:
    """Variable-rate borrows by symbol; amounts of zero are left out."""
    return tuple((symbol, amount, VARIABLE) for symbol, amount in borrows.items() if amount)
