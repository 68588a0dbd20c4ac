"""Reads message HTML as strictly as the Bot API does, and finds what a chat program would turn into links by itself."""

import html
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

TAGS = {"b", "strong", "i", "em", "u", "s", "code", "pre", "a", "blockquote"}
_ENTITY = re.compile(r"&(?!(?:lt|gt|amp|quot|#\d+|#x[0-9a-fA-F]+);)")
_LINKED = {
    "email": r"[^\s@<>]+@[^\s@<>]+\.[^\s@<>]+",
    "url": r"(?:https?|tg|ftp)://\S+|(?<![\w@.])(?:[^\W_][\w-]*\.)+[^\W\d_]{2,}\S*|(?<![\w.])\d+(?:\.\d+){3}(?![\w.])",
    "mention": r"(?<!\w)@\w{3,}",
    "hashtag": r"(?<!\w)#\w*[^\W\d]\w*",
    "cashtag": r"(?<!\w)\$[A-Z]{1,8}\b",
    "bot_command": r"(?<![\w/<>])/[A-Za-z_]\w*",
    "phone_number": r"\+\d[\d ()-]{6,}",
}


class BadMarkup(ValueError):
    """What the Bot API answers with 400, can't parse entities."""


@dataclass
class Parsed(HTMLParser):
    """The visible text and the entities, `(type, visible text, url)`."""

    text: str = ""
    entities: list[tuple[str, str, str]] = field(default_factory=list)
    _open: list[tuple[str, int, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in TAGS:
            raise BadMarkup(f'Unsupported start tag "{tag}"')
        self._open.append((tag, len(self.text), dict(attrs).get("href") or ""))

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open[-1][0] != tag:
            raise BadMarkup(f'Unexpected end tag "{tag}"')
        _, start, url = self._open.pop()
        self.entities.append((tag, self.text[start:], url))

    def handle_data(self, data: str) -> None:
        self.text += data

    def unknown_decl(self, data: str) -> None:
        raise BadMarkup("declaration")

    def handle_comment(self, data: str) -> None:
        raise BadMarkup("comment")


def parse(source: str) -> Parsed:
    """Return what a reader sees; raises BadMarkup."""
    if _ENTITY.search(source):
        raise BadMarkup("unescaped ampersand")
    if re.search(r"<(?!/?[a-z])", source):
        raise BadMarkup("unescaped less-than sign")
    parsed = Parsed()
    parsed.feed(source)
    parsed.close()
    if parsed._open:
        raise BadMarkup(f'Can\'t find end tag corresponding to start tag "{parsed._open[-1][0]}"')
    return parsed


def plain(text: str) -> Parsed:
    return parse(html.escape(text))


def linked_by_itself(text: str) -> list[tuple[str, str]]:
    """Return what becomes a link, mention, tag or command although nobody marked it as one."""
    return [(kind, found[0]) for kind, pattern in _LINKED.items() for found in re.finditer(pattern, text)]
