"""What an amount is worth in the unit of account under a repricing, as steps that round as the contracts do."""

from collections.abc import Callable

from monitor.domain.ids import Address
from monitor.domain.prices import PROTOCOL, Repricing, SidedValue, Unknown, Value
from monitor.pricing.graph import Prices, on_collateral_side, on_debt_side
from monitor.protocols.euler_v2.market import Market
from monitor.protocols.euler_v2.oracle.path import Path, Stage, Step

Side = Callable[[Value | SidedValue], Value]
Steps = tuple[Step, ...]
"""What an amount goes through, each step rounded down."""


def own_steps(market: Market, path: Path) -> Steps | Unknown:
    """Return the steps that a vault's oracle takes now."""
    return collateral_steps(market, path, PROTOCOL, market.graph.values)


def collateral_steps(market: Market, path: Path, repricing: Repricing, prices: Prices) -> Steps | Unknown:
    """Return the steps from shares to their worth as collateral."""
    return _steps(market, path, repricing, prices, on_collateral_side, on_debt_side)


def debt_steps(market: Market, repricing: Repricing, prices: Prices) -> Steps | Unknown:
    """Return the steps from what is owed to its worth as debt."""
    return _steps(market, market.layout.liability, repricing, prices, on_debt_side, on_collateral_side)


def opening(market: Market, path: Path) -> Steps | Unknown:
    """Return the steps that open a path's vaults, from shares to the token that is priced."""
    steps: list[Step] = []
    for address in path.vaults:
        step = ratio(market, address)
        if isinstance(step, Unknown):
            return step
        steps.append(step)
    return tuple(steps)


def ratio(market: Market, address: Address) -> Step | Unknown:
    """Return what a vault's share is worth: exact for the kit's own, sampled for others."""
    vault = market.vaults.get(address)
    if vault is not None:
        return vault.now.assets_per_share
    worth = market.worth[address]
    return worth if isinstance(worth, Unknown) else (worth, dict(market.layout.foreign)[address])


def _steps(
    market: Market, path: Path, repricing: Repricing, prices: Prices, side: Side, other: Side
) -> Steps | Unknown:
    opened = opening(market, path)
    if isinstance(opened, Unknown):
        return opened
    if path.node in repricing.nodes or path.problem is not None:
        price = side(prices[path.node])
        return price if isinstance(price, Unknown) else (*opened, _whole(market, path, price))
    steps = list(opened)
    for stage in path.stages:
        step = _stage(stage, prices, other if stage.is_inverse else side)
        if isinstance(step, Unknown):
            return step
        steps.append(step)
    return tuple(steps)


def _stage(stage: Stage, prices: Prices, side: Side) -> Step | Unknown:
    price = side(prices[stage.node])
    if isinstance(price, Unknown):
        return price
    if stage.is_inverse and price <= 0:
        return Unknown("a division by a zero price reverts")
    return stage.step(price)


def _whole(market: Market, path: Path, price: int) -> Step:
    """Return the step for a price of a whole token: as the one feed's adapter would take it, else rounded once."""
    return price * 10**market.layout.unit.decimals, int(10 ** (path.decimals + path.token.decimals))
