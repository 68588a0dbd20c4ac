"""The protocols this program knows. Adding one is a folder here, a line below, and data of the same name."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from monitor.adapter import Adapter, Followed
from monitor.domain.ids import Slug
from monitor.protocols.aave_v2.adapter import AaveV2
from monitor.protocols.aave_v3.adapter import AaveV3
from monitor.protocols.compound_v2.adapter import CompoundV2
from monitor.protocols.compound_v3.adapter import CompoundV3
from monitor.protocols.dydx_v4.adapter import DydxV4
from monitor.protocols.euler_v2.adapter import EulerV2
from monitor.protocols.gains.adapter import Gains
from monitor.protocols.gmx_v2.adapter import GmxV2
from monitor.protocols.hyperliquid.adapter import Hyperliquid
from monitor.protocols.liquity_v1.adapter import LiquityV1
from monitor.protocols.liquity_v2.adapter import LiquityV2
from monitor.protocols.maker.adapter import Maker
from monitor.protocols.morpho_blue.adapter import MorphoBlue
from monitor.protocols.perp_v2.adapter import PerpV2
from monitor.protocols.synthetix_v3.adapter import SynthetixV3

ADAPTERS: Mapping[Slug, Followed[Any]] = MappingProxyType(
    {
        Slug("aave_v2"): AaveV2(),
        Slug("aave_v3"): AaveV3(),
        Slug("compound_v2"): CompoundV2(),
        Slug("compound_v3"): CompoundV3(),
        Slug("euler_v2"): EulerV2(),
        Slug("gains"): Gains(),
        Slug("gmx_v2"): GmxV2(),
        Slug("liquity_v1"): LiquityV1(),
        Slug("liquity_v2"): LiquityV2(),
        Slug("maker"): Maker(),
        Slug("morpho_blue"): MorphoBlue(),
        Slug("perp_v2"): PerpV2(),
        Slug("synthetix_v3"): SynthetixV3(),
    }
)
"""Protocols on chains, whose accounts are found from logs and kept up to date by them."""

VENUES: Mapping[Slug, Adapter[Any]] = MappingProxyType(
    {
        Slug("dydx_v4"): DydxV4(),
        Slug("hyperliquid"): Hyperliquid(),
    }
)
"""Venues without blocks and logs, which answer over HTTP."""
