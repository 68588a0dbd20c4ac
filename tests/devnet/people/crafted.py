"""Accounts made for one purpose: on the liquidation line, in each close-factor branch, with bad debt.

They are made by ordinary transactions, and become what they are when `settle.SLIDES` has moved the prices: rETH falls
by a tenth, LUNA by nine tenths. rETH is never borrowed and GHO costs nothing, so neither index ever leaves 1 ray and
an account with these two stays exactly where it was put until one of the two prices moves.
"""

from tests.devnet.aave.market import WAD
from tests.devnet.people.plan import Plan, address, variable
from tests.devnet.people.purse import Purse

RETH_AFTER_PPM = 900_000
LUNA_AFTER_PPM = 100_000
BILLION_E8 = 10**9 * 10**8
LINE_ACCOUNTS, BRANCH_ACCOUNTS, BAD_DEBT_ACCOUNTS = 60, 55, 60


def health_wad(version: tuple[int, int], collateral_base: int, threshold_bps: int, debt_base: int) -> int:
    """Health factor of one collateral, as `GenericLogic.calculateUserAccountData` of the version rounds it."""
    if version >= (3, 5):
        return ((collateral_base * threshold_bps * WAD + debt_base // 2) // debt_base) // 10_000
    weighted = (collateral_base * threshold_bps + 5_000) // 10_000
    return (weighted * WAD + debt_base // 2) // debt_base


def on_the_line(purse: Purse, seed: int) -> list[Plan]:
    """Health of exactly 1e18 − 1, 1e18 and 1e18 + 1 in turn; one unit below or above takes some 10 billion of debt."""
    plans = []
    for i in range(LINE_ACCOUNTS):
        target = WAD + (-1, 0, 1)[i % 3]
        debt_base = int(purse.random.integers(9 * BILLION_E8, 11 * BILLION_E8)) if i % 3 != 1 or i % 2 else 0
        if not debt_base:
            debt_base = 77 * int(purse.random.integers(10**6, 10**10))
        reth, gho = _line_amounts(purse, target, debt_base)
        plans.append(Plan(address(seed, "line", i), (("rETH", reth),), variable({"GHO": gho})))
    return plans


def _line_amounts(purse: Purse, target_wad: int, debt_base: int) -> tuple[int, int]:
    """Raw rETH and GHO that give `target_wad` once rETH has fallen, with a debt of `debt_base` or slightly more."""
    threshold = purse.deployed.reserve("rETH").shape.liquidation_threshold
    price, gho_price = purse.prices_e8["rETH"] * RETH_AFTER_PPM // 10**6, purse.prices_e8["GHO"]
    for debt in range(debt_base, debt_base + 10_000):
        near = target_wad * debt * 10_000 // threshold // WAD
        for collateral in range(near - 2, near + 3):
            if health_wad(purse.deployed.version, collateral, threshold, debt) == target_wad:
                return -(-collateral * WAD // price), debt * WAD // gho_price
    raise AssertionError(f"no collateral gives {target_wad} with a debt near {debt_base}")


def close_factor_branches(purse: Purse, seed: int) -> list[Plan]:
    """`BRANCH_ACCOUNTS` for each way the close factor can be decided, in v3.0.2 and since v3.3."""
    makers = (_half, _whole_by_health, _small_collateral, _small_debt, _minor_debt)
    return [make(purse, address(seed, make.__name__, i)) for make in makers for i in range(BRANCH_ACCOUNTS)]


def _short(purse: Purse, user: str, supplies: dict[str, int], used: float, shares: dict[str, float]) -> Plan:
    """Debts that use that part of the limit, shared out; a health of 0.93 divided by `used` after the slide of rETH."""
    owed = used * purse.limit(supplies)
    return Plan(user, tuple(supplies.items()), variable({s: purse.raw(s, owed * part) for s, part in shares.items()}))


def _half(purse: Purse, user: str) -> Plan:
    supplies = {"rETH": purse.raw("rETH", purse.wealth(4.2, 6))}
    return _short(purse, user, supplies, purse.uniform(0.935, 0.97), {"GHO": 1.0})


def _whole_by_health(purse: Purse, user: str) -> Plan:
    supplies = {"rETH": purse.raw("rETH", purse.wealth(4.2, 6))}
    return _short(purse, user, supplies, purse.uniform(0.982, 0.999), {"GHO": 0.8, "DAI": 0.2})


def _small_collateral(purse: Purse, user: str) -> Plan:
    """A second collateral worth less than 2,000 dollars."""
    supplies = {"rETH": purse.raw("rETH", purse.wealth(4.2, 5)), "UNI": purse.raw("UNI", purse.uniform(300, 1700))}
    return _short(purse, user, supplies, purse.uniform(0.945, 0.965), {"GHO": 1.0})


def _small_debt(purse: Purse, user: str) -> Plan:
    """A second debt worth less than 2,000 dollars."""
    supplies = {"rETH": purse.raw("rETH", purse.wealth(4.2, 5))}
    part = purse.uniform(300, 1700) / purse.limit(supplies)
    return _short(purse, user, supplies, purse.uniform(0.94, 0.965), {"GHO": 1 - part, "DAI": part})


def _minor_debt(purse: Purse, user: str) -> Plan:
    """A second debt that is large, yet less than half of all debt."""
    supplies = {"rETH": purse.raw("rETH", purse.wealth(4.5, 6))}
    part = purse.uniform(0.25, 0.45)
    return _short(purse, user, supplies, purse.uniform(0.94, 0.965), {"GHO": 1 - part, "DAI": part})


def bad_debt(purse: Purse, seed: int) -> list[Plan]:
    """Collateral in LUNA alone; every third account owes two assets, every fourth holds a little WETH besides."""
    plans = []
    for i in range(BAD_DEBT_ACCOUNTS):
        supplies = {"LUNA": purse.raw("LUNA", purse.wealth(2.5, 5.5))}
        if i % 4 == 0:
            supplies["WETH"] = purse.raw("WETH", purse.dollars("LUNA", supplies["LUNA"]) / 50)
        owed = {"USDC": 0.6, "WETH": 0.4} if i % 3 == 0 else {"USDC": 1.0}
        plans.append(_short(purse, address(seed, "bad debt", i), supplies, purse.uniform(0.6, 0.98), owed))
    return plans
