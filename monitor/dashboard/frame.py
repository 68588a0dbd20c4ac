"""What stands around every page: its head, the ways to the others, and the box for any address."""

from collections.abc import Sequence

from monitor.dashboard.html import Content, Markup, document, el, link

PAGES = (
    ("/", "Markets"),
    ("/at-risk", "At risk"),
    ("/curve", "Liquidation levels"),
    ("/distribution", "Distribution"),
    ("/operations", "Operations"),
)


def framed(title: str, *content: Content, here: str = "", is_known: bool = True, scripts: Sequence[str] = ()) -> str:
    """Return a whole page; one who is not known is only shown the page itself."""
    head = (
        el("meta", charset="utf-8"),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="color-scheme", content="light dark"),
        el("title", title, " · hfm"),
        el("link", rel="stylesheet", href="/assets/hfm.css"),
        el("link", rel="icon", href="/assets/hfm.svg", type="image/svg+xml"),
        (el("script", src=f"/assets/{name}", defer=True) for name in ("hfm.js", *scripts)),
    )
    body = (
        link("#main", "Skip to content", class_="skip"),
        el("header", link("/", "hfm", class_="brand"), (_ways(here), _address_box()) if is_known else None),
        el("main", el("h1", title), content, id="main", tabindex=-1),
        el("p", class_="notice", id="notice", role="status"),
    )
    return document(head, body)


def _ways(here: str) -> Markup:
    links = (link(href, name, aria_current="page" if href == here else None) for href, name in PAGES)
    return el("nav", el("ul", (el("li", one) for one in links)), aria_label="Pages")


def _address_box() -> Markup:
    return el(
        "form",
        el("label", "Owner", for_="address"),
        el(
            "input",
            type="search",
            id="address",
            name="address",
            placeholder="0x… any address",
            autocomplete="off",
            spellcheck="false",
            required=True,
        ),
        el("button", "Show", type="submit"),
        action="/owners",
        method="get",
        role="search",
        class_="address",
    )
