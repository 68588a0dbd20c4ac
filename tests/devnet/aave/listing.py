"""Reserve settings that every version takes through the same configurator calls."""

from tests.devnet.aave.deployed import Reserve
from tests.devnet.chain.client import Chain


def configure(chain: Chain, configurator: str, reserve: Reserve) -> None:
    """Risk parameters and switches of one listed reserve; what it stands in later (frozen, …) is not set here."""
    s, token = reserve.shape, reserve.token
    if s.liquidation_threshold:
        terms = (s.ltv, s.liquidation_threshold, s.bonus)
        chain.send(configurator, "configureReserveAsCollateral(address,uint256,uint256,uint256)", token, *terms)
    chain.send(configurator, "setReserveFactor(address,uint256)", token, s.reserve_factor)
    chain.send(configurator, "setLiquidationProtocolFee(address,uint256)", token, s.protocol_fee)
    if s.debt_ceiling:
        chain.send(configurator, "setDebtCeiling(address,uint256)", token, s.debt_ceiling)
    for enabled, function in (
        (s.borrowable, "setReserveBorrowing"),
        (s.stable_debt, "setReserveStableRateBorrowing"),
        (s.borrowable_in_isolation, "setBorrowableInIsolation"),
        (s.siloed, "setSiloedBorrowing"),
    ):
        if enabled:
            chain.send(configurator, f"{function}(address,bool)", token, True)
