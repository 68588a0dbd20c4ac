"""One state of a list of positions, written as cells, and what differs between two of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from urllib.parse import urlencode

import orjson

from monitor.client.wire.asked import AtRiskQuestion
from monitor.dashboard.html import Markup, joined, link
from monitor.dashboard.listed import Line

PAGE = "/at-risk"


@dataclass(frozen=True, slots=True)
class Version:
    """What a list said at one stamp of the books; `tag` is another one whenever anything but ages is."""

    asked: AtRiskQuestion
    stamp: tuple[int, ...]
    lines: Mapping[str, Line]
    next: str | None
    made_ms: int
    tag: str = field(init=False)

    @property
    def filled(self) -> dict[str, str]:
        """What was asked for, as a form says it, wherever in the list."""
        told = self.asked.model_dump(mode="json", exclude_none=True, exclude={"cursor"})
        return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in told.items()}

    @property
    def caption(self) -> str:
        """What the table says of itself."""
        asked = self.asked
        many = f"{len(self.lines):,} positions" if self.lines else "No position fits"
        return f"{many}, by {asked.sort}" if asked.cursor is None else f"{many} further on, by {asked.sort}"

    @property
    def ways(self) -> Markup:
        """Links to the first page and the next one, where they are others."""
        first = link(f"{PAGE}?{urlencode(self.filled)}", "First page", class_="button")
        more = {**self.filled, "cursor": self.next or ""}
        following = link(f"{PAGE}?{urlencode(more)}", "Next page", class_="button", rel="next")
        return joined((first if self.asked.cursor else None, following if self.next else None))

    def __post_init__(self) -> None:
        digest = blake2b(str(self.next).encode(), digest_size=12)
        for position, one in self.lines.items():
            digest.update("\0".join((position, *one.cells, one.block, str(one.at_s))).encode())
        object.__setattr__(self, "tag", digest.hexdigest())


def differing(before: Version | None, after: Version) -> bytes:
    """Return what turns one version into the next, as JSON; all of it where the one before is not known.

    `cells` are by position and place, `order` is left out where it is the same.
    """
    old: Mapping[str, Line] = {} if before is None else before.lines
    cells = ((position, _cells(old.get(position), one)) for position, one in after.lines.items())
    said: dict[str, object] = {
        "before": None if before is None else before.tag,
        "tag": after.tag,
        "cells": {position: some for position, some in cells if some},
        "caption": after.caption,
        "ways": after.ways,
    }
    if before is None or list(old) != list(after.lines):
        said["order"] = list(after.lines)
    return orjson.dumps(said)


def _cells(before: Line | None, after: Line) -> dict[str, str]:
    if before is None:
        return {str(place): cell for place, cell in enumerate(after.written(0))}
    pairs = enumerate(zip(before.cells, after.cells, strict=True))
    found: dict[str, str] = {str(place): cell for place, (old, cell) in pairs if old != cell}
    if (before.block, before.at_s) != (after.block, after.at_s):
        found[str(len(after.cells))] = after.written(0)[-1]
    return found
