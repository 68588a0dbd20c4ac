"""The one way to show text that a stranger wrote: token symbols, revert reasons, endpoint messages."""

import re
import unicodedata
from collections.abc import Mapping
from types import MappingProxyType

LABEL_CHARACTERS = 32
LINE_CHARACTERS = 200
_LOOKED_AT = 256  # NFKC may lengthen text eighteenfold; what lies beyond cannot be shown anyway
_NONE: Mapping[str, str] = MappingProxyType({})

_SYMBOL = re.compile(r"[A-Za-z0-9₮][A-Za-z0-9₮ .-]*")
_DOMAIN = re.compile(r"\.[A-Za-z]{2}")
_DIGITS = re.compile(r"(?:[0-9][ .-]?){9}|^[0-9 .-]*$")
_SHORT = re.compile(r"0x[0-9a-f]{4}…[0-9a-f]{4}")
_LOOKS_LIKE = str.maketrans("01L58₮", "OIISBT")

_NUMERIC_HOST = re.compile(r"\d+(?:\.\d+){2,}")
_NAME_DOT = re.compile(r"\.(?=[^\W\d])")
_CARD_NUMBER = re.compile(r"\d(?:[ -]\d|\d){12,}")
_SCHEME = re.compile(r"(?<=[^\W\d]):(?=\w)")
_PLACEHOLDER = re.compile(r"%(?=\w)")
_SENTENCE = frozenset(" .,:;()-=%×·…")

_MENDED = (
    (_NAME_DOT, "·"),
    (_NUMERIC_HOST, lambda m: m[0].replace(".", "·")),
    (_CARD_NUMBER, lambda m: m[0].replace(" ", "·").replace("-", "·")),
    (_SCHEME, ": "),
    (_PLACEHOLDER, ""),
)


def short_address(address: str) -> str:
    """Return `0x1234…abcd`; whatever is no address comes back as a safe line."""
    plain = address if address.isascii() and address.isalnum() else safe_line(address)
    return f"{plain[:6]}…{plain[-4:]}" if len(plain) > 12 else plain


def clean_symbol(text: str) -> str | None:
    """Return a symbol without anything invisible, at most 32 characters; None when it holds what no symbol needs.

    Letters beyond ASCII, markup, links, mentions, formulas and long digit runs make it None: an address says more than
    a mended lie.
    """
    visible = " ".join("".join(map(_visible, unicodedata.normalize("NFKC", text[:_LOOKED_AT]))).split())
    if not _SYMBOL.fullmatch(visible) or _DOMAIN.search(visible) or _DIGITS.search(visible):
        return None
    return visible if len(visible) <= LABEL_CHARACTERS else visible[: LABEL_CHARACTERS - 1] + "…"


def safe_label(text: str, address: str, canonical: Mapping[str, str] = _NONE) -> str:
    """Return how a token is named to people: `USDC` when canonical, else with its address, `USDC (0x1234…abcd)`.

    `canonical` maps lower-case addresses to symbols. A symbol that imitates a canonical one, or cannot be shown safely,
    is left out and only the address stays. A venue without contracts has a symbol for an address, which stands alone.
    """
    known = canonical.get(address.lower())
    if known is not None:
        return known
    symbol = clean_symbol(text)
    if symbol is None or _skeleton(symbol) in {_skeleton(c) for c in canonical.values()}:
        return short_address(address)
    return symbol if symbol == address else f"{symbol} ({short_address(address)})"


def shown_label(label: str) -> str:
    """Return what `safe_label` made unchanged, and anything else as a safe line."""
    symbol, bracket, rest = label.partition(" (")
    if _SHORT.fullmatch(label) or (clean_symbol(symbol) == symbol and (not bracket or _SHORT.fullmatch(rest[:-1]))):
        return label
    return safe_line(label, 2 * LABEL_CHARACTERS)


def safe_line(text: str, limit: int = LINE_CHARACTERS) -> str:
    """Return one line of a stranger's prose: letters, digits and plain punctuation, nothing that becomes a link.

    The dots of names and addresses turn into `·`, every other character that could mean something to a mail program, a
    chat or a spreadsheet into a space; control and bidirectional characters vanish.
    """
    visible = "".join(map(_visible, unicodedata.normalize("NFKC", text[: 4 * limit]).replace("...", "…")))
    plain = "".join(c if c in _SENTENCE or _is_word(c) else " " for c in visible)
    for pattern, mended in _MENDED:
        plain = pattern.sub(mended, plain)
    line = " ".join(plain.split()).lstrip("-= ")
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _visible(character: str) -> str:
    match unicodedata.category(character):
        case "Zs" | "Zl" | "Zp":
            return " "
        case "Cc":
            return " " if character in "\t\n\r\v\f" else ""
        case "Cf" | "Cs" | "Co" | "Cn":
            return ""
        case _:
            return character


def _is_word(character: str) -> bool:
    left_to_right = unicodedata.bidirectional(character) not in {"R", "AL"}
    return left_to_right and unicodedata.category(character)[0] in "LN"


def _skeleton(symbol: str) -> str:
    return symbol.upper().translate(_LOOKS_LIKE)
