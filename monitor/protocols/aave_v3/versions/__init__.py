"""The versions of the protocol by the `POOL_REVISION` read on chain."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from monitor.errors import UnexpectedAnswer
from monitor.protocols.aave_v3 import math
from monitor.protocols.aave_v3.versions import directed, half_up
from monitor.protocols.aave_v3.versions.closing import Seizing, half_of_the_account, half_of_the_debt
from monitor.protocols.aave_v3.versions.rules import Rules

_NEAREST = Seizing(
    math.percent_mul_half_up, math.percent_div_half_up, math.percent_div_half_up, math.percent_mul_half_up
)

V30 = Rules(
    version="3.0",
    rounding=half_up,
    interest_ray=math.binomial_interest_ray,
    max_debt_raw=half_of_the_debt,
    seizing=_NEAREST,
    has_category_prices=True,
    has_stable_debt=True,
    has_grace_period=False,
    forbids_dust=False,
)
V31 = replace(V30, version="3.1", has_grace_period=True, may_discount_debt=True)
V32 = replace(V31, version="3.2", has_category_prices=False, has_stable_debt=False)
V33 = replace(V32, version="3.3", max_debt_raw=half_of_the_account, forbids_dust=True, has_discounted_debt=True)
V34 = replace(
    V33, version="3.4", interest_ray=math.taylor_interest_ray, has_discounted_debt=False, may_discount_debt=False
)
V35 = replace(V34, version="3.5", rounding=directed, seizing=_NEAREST._replace(without_bonus=math.percent_div_up))
V36 = replace(V35, version="3.6", counts_without_threshold=True, zero_ltv_wins=False)
V37 = replace(
    V36,
    version="3.7",
    seizing=Seizing(math.percent_mul_down, math.percent_div_up, math.percent_div_down, math.percent_mul_up),
    has_sentinel=False,
    has_isolated_categories=True,
)

RULES: Mapping[int, Rules] = MappingProxyType(
    {
        1: replace(V30, is_proven=True),
        2: V30,
        3: V30,
        4: V31,
        5: V32,
        6: V33,
        7: V33,
        8: V34,
        9: V35,
        10: replace(V36, is_proven=True),
        11: V37,
    }
)


def rules_of(revision: int) -> Rules:
    """Return the rules of a pool's revision; raises UnexpectedAnswer for one whose arithmetic is not known."""
    rules = RULES.get(revision)
    if rules is None:
        known = ", ".join(f"{number} ({rules.version})" for number, rules in RULES.items())
        raise UnexpectedAnswer(f"expected POOL_REVISION {known}, found {revision}: this Aave version is not supported")
    return rules
