"""HTML whose text can never become markup: whatever no element made is escaped."""

from collections.abc import Iterable
from html import escape
from typing import TypeAlias

_VOID = frozenset({"br", "hr", "input", "link", "meta"})


class Markup(str):
    """Text that is markup already; only `el` and `joined` make it."""

    __slots__ = ()


Content: TypeAlias = "str | int | Iterable[Content] | None"
Attribute = str | int | bool | None


def el(tag: str, *inside: Content, **attributes: Attribute) -> Markup:
    """Return an element; `class_` is written `class`, `data_at` is `data-at`; None and False leave an attribute out."""
    opened = f"<{tag}{''.join(_attribute(name, value) for name, value in attributes.items())}>"
    return Markup(opened if tag in _VOID else f"{opened}{joined(inside)}</{tag}>")


def joined(content: Content) -> Markup:
    """Return contents one after the other, with everything escaped that is not markup."""
    match content:
        case None:
            return Markup("")
        case Markup():
            return content
        case str() | int():
            return Markup(escape(str(content)))
        case _:
            return Markup("".join(map(joined, content)))


def document(head: Content, body: Content) -> str:
    """Return a whole page."""
    return "<!doctype html>" + el("html", el("head", head), el("body", body), lang="en")


def link(href: str, *inside: Content, **attributes: Attribute) -> Markup:
    """Return a link within these pages; raises ValueError for a place elsewhere."""
    if not href.startswith(("/", "#", "?")) or href.startswith("//"):
        raise ValueError(f"expected a place of these pages, found {href[:80]!r}")
    return el("a", *inside, href=href, **attributes)


def _attribute(name: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    written = name.rstrip("_").replace("_", "-")
    return f" {written}" if value is True else f' {written}="{escape(str(value))}"'
