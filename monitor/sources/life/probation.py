"""A new integrity check only flags for its first seven days on a chain; after that it may take an endpoint out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

SOFT_S = 7 * 86_400


class Check(StrEnum):
    """The checks that are new. One that has held everywhere for long leaves this list and is simply applied."""

    LOGS = "logs"
    """An endpoint's logs of a block are those of the receipts."""


@dataclass(slots=True)
class Probation:
    """Since when each new check runs on one chain, in seconds of the wall clock; to be kept from run to run."""

    since_s: dict[str, int] = field(default_factory=dict)

    @classmethod
    def resumed(cls, since_s: Mapping[str, int]) -> "Probation":
        """Return the probation as an earlier run left it."""
        return cls(dict(since_s))

    def begin(self, now_s: int) -> None:
        """Start the seven days of every check that has not run on this chain before."""
        for check in Check:
            self.is_over(check, now_s)

    def is_over(self, check: Check, now_s: int) -> bool:
        """Whether a failure of the check may take an endpoint out; asking for the first time begins its seven days.

        A beginning that lies ahead was written by a wrong clock and begins anew.
        """
        since_s = self.since_s.setdefault(check.value, now_s)
        if since_s > now_s:
            since_s = self.since_s[check.value] = now_s
        return now_s - since_s >= SOFT_S
