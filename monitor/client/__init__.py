"""For keepers: a typed client of the service's API."""

from monitor.client.keeper import Keeper, Refused, calldata, connected
from monitor.client.wire.alert import AlertAnswer
from monitor.client.wire.answer import QuoteAnswer
from monitor.client.wire.asked import AlertFilter, AtRiskQuestion, WhatIfQuestion
from monitor.client.wire.position import PositionAnswer, PositionDetail

__all__ = [
    "AlertAnswer",
    "AlertFilter",
    "AtRiskQuestion",
    "Keeper",
    "PositionAnswer",
    "PositionDetail",
    "QuoteAnswer",
    "Refused",
    "WhatIfQuestion",
    "calldata",
    "connected",
]
