"""Random accounts of every kind the protocol distinguishes, from a seed."""

from collections.abc import Callable

from tests.devnet.aave.market import STABLE, VARIABLE
from tests.devnet.people.plan import Plan, address, variable
from tests.devnet.people.purse import Purse

GENERAL = ("WETH", "wstETH", "WBTC", "LINK", "USDC", "DAI", "EURS")
BORROWABLE = ("WETH", "WBTC", "LINK", "USDC", "DAI", "EURS", "GHO", "BAL", "MKR", "UNI")
EXTRAS = ("BAL", "MKR", "CRV", "UNI")
ISOLATED_DEBTS = ("USDC", "DAI", "EURS")
STABLE_DEBTS = ("USDC", "DAI", "LINK")


def random_plans(purse: Purse, seed: int, count: int) -> list[Plan]:
    """Return `count` plans; every kind of `WHEEL` takes its turn."""
    return [WHEEL[i % len(WHEEL)](purse, address(seed, "random", i), i // len(WHEEL)) for i in range(count)]


def _with_extra(purse: Purse, user: str, turn: int, held: list[str], borrowed: list[str]) -> Plan:
    """Collateral in `held` and one asset that will be frozen, paused, without LTV or in grace; debt in `borrowed`."""
    supplies = purse.supplies([*held, EXTRAS[turn % len(EXTRAS)]], purse.wealth())
    off: tuple[str, ...] = ()
    if turn % 5 == 0:
        supplies |= {"PT-USDe": purse.raw("PT-USDe", purse.wealth(2, 4))}
    if turn % 3 == 0 and len(held) > 1:
        off = (held[-1],)
    counted = {s: raw for s, raw in supplies.items() if s not in off}
    return Plan(user, tuple(supplies.items()), variable(purse.debts(borrowed, counted)), disabled=off)


def plain(purse: Purse, user: str, turn: int) -> Plan:
    return _with_extra(purse, user, turn, purse.some(GENERAL, 1, 3), purse.some(BORROWABLE, 1, 2))


def many_legs(purse: Purse, user: str, turn: int) -> Plan:
    return _with_extra(purse, user, turn, purse.some(GENERAL, 4, 7), purse.some(BORROWABLE, 3, 7))


def siloed(purse: Purse, user: str, turn: int) -> Plan:
    return _with_extra(purse, user, turn, purse.some(GENERAL, 1, 3), ["SNX"])


def stable_rate(purse: Purse, user: str, turn: int) -> Plan:
    """Stable debt where the version has it; every second account owes the same asset at the variable rate too."""
    held = purse.some(("WETH", "wstETH", "WBTC", "EURS"), 1, 2)
    owed = purse.some(STABLE_DEBTS, 1, 2)
    base = _with_extra(purse, user, turn, held, owed)
    if not purse.deployed.reserve(owed[0]).stable_debt_token:
        return base
    borrows: list[tuple[str, int, int]] = []
    for symbol, amount, _ in base.borrows:
        part = amount // 2 if turn % 2 and amount > 2 else 0
        borrows += [(symbol, amount - part, STABLE)] + ([(symbol, part, VARIABLE)] if part else [])
    return Plan(user, base.supplies, tuple(borrows), disabled=base.disabled)


def _in_e_mode(purse: Purse, user: str, e_mode: int, held: list[str], borrowed: list[str]) -> Plan:
    supplies = purse.supplies(held, purse.wealth())
    return Plan(user, tuple(supplies.items()), variable(purse.debts(borrowed, supplies, e_mode)), e_mode)


def dollar_e_mode(purse: Purse, user: str, turn: int) -> Plan:
    held = [*purse.some(("USDC", "DAI"), 1, 2), *(["WBTC"] if turn % 3 == 0 else [])]
    return _in_e_mode(purse, user, 1, held, purse.some(("USDC", "DAI"), 1, 2))


def ether_e_mode(purse: Purse, user: str, turn: int) -> Plan:
    held = [*purse.some(("wstETH", "rETH", "WETH"), 1, 3), *(["USDC"] if turn % 3 == 0 else [])]
    return _in_e_mode(purse, user, 2, held, ["WETH"])


def third_e_mode(purse: Purse, user: str, turn: int) -> Plan:
    """Collateral that counts only inside its category; v3.0 has no such thing, there it is a dollar account."""
    if len(purse.deployed.e_modes) < 3:
        return dollar_e_mode(purse, user, turn)
    held = ["PT-USDe", *(["WETH"] if turn % 3 == 0 else [])]
    return _in_e_mode(purse, user, 3, held, purse.some(("USDC", "DAI", "GHO"), 1, 3))


def isolated(purse: Purse, user: str, turn: int) -> Plan:
    """One isolated collateral; every second account supplies another asset that cannot be collateral beside it."""
    counted = {"ENS": purse.raw("ENS", purse.wealth(2.3, 5.2))}
    borrows = variable(purse.debts(purse.some(ISOLATED_DEBTS, 1, 3), counted))
    beside = {"WBTC": purse.raw("WBTC", purse.wealth(2, 4))} if turn % 2 else {}
    return Plan(user, tuple((counted | beside).items()), borrows, disabled=tuple(beside), enabled=("ENS",))


def dust(purse: Purse, user: str, turn: int) -> Plan:
    """Less than a dollar on every leg, down to single units."""
    supplies = {s: purse.supply(s, purse.wealth(-3, -0.2)) for s in purse.some(GENERAL, 1, 3)}
    owed = ["GHO" if turn % 2 else "DAI", *purse.some(("WETH", "WBTC", "LINK", "USDC"), 0, 1)]
    return Plan(user, tuple(supplies.items()), variable(purse.debts(owed, supplies)))


def no_debt(purse: Purse, user: str, turn: int) -> Plan:
    return Plan(user, tuple(purse.supplies(purse.some(GENERAL, 1, 4), purse.wealth()).items()))


def nothing(purse: Purse, user: str, turn: int) -> Plan:
    return Plan(user)


WHEEL: tuple[Callable[[Purse, str, int], Plan], ...] = (
    *(plain, isolated, siloed, stable_rate, dust, many_legs, dollar_e_mode, ether_e_mode),
    *(plain, isolated, siloed, stable_rate, dust, many_legs, third_e_mode, no_debt),
    *(plain, isolated, siloed, stable_rate, dust, plain, ether_e_mode, plain, nothing),
)
