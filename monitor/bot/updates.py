"""What Telegram says happened: the two kinds of update that are taken, and nothing of any other shape."""

from dataclasses import dataclass

KINDS = ("message", "callback_query")
TEXT_CHARACTERS = 4096
_LARGEST = 2**53


@dataclass(frozen=True, slots=True)
class Said:
    """A text message; `is_own` is False for what was forwarded, sent through another bot or in the name of a chat."""

    chat: int
    user: int
    is_private: bool
    text: str
    is_own: bool


@dataclass(frozen=True, slots=True)
class Pressed:
    """A button under message `message` of a chat."""

    id: str
    chat: int
    user: int
    is_private: bool
    message: int
    data: str


Update = Said | Pressed


def number(raw: object) -> int | None:
    """Return the number of an update, None where it has none."""
    return _id(raw.get("update_id")) if isinstance(raw, dict) else None


def update(raw: object) -> Update | None:
    """Return an update that is taken, None for every other one."""
    match raw:
        case {"message": {"chat": dict(chat), "from": dict(user), "text": str(text)} as message}:
            where = _where(chat, user)
            if where is None or user.get("is_bot") is not False or len(text) > TEXT_CHARACTERS:
                return None
            is_own = not any(str(name).startswith(_FOREIGN) for name in message)
            return Said(*where, text=text, is_own=is_own)
        case {
            "callback_query": {
                "id": str(id_),
                "from": dict(user),
                "message": {"chat": dict(chat), "message_id": message},
                "data": str(data),
            }
        }:
            where, under = _where(chat, user), _id(message)
            if where is None or under is None or not 0 < len(id_) <= 64 or len(data.encode("utf-8", "replace")) > 64:
                return None
            return Pressed(id_, *where, message=under, data=data)
        case _:
            return None


_FOREIGN = ("forward_", "via_bot", "sender_chat", "is_automatic_forward")


def _where(chat: dict[object, object], user: dict[object, object]) -> tuple[int, int, bool] | None:
    """Return the chat, the user, and whether they are alone; in a private chat both have the same number."""
    here, who, kind = _id(chat.get("id")), _id(user.get("id")), chat.get("type")
    if here is None or who is None or who <= 0:
        return None
    if kind == "private":
        return (here, who, True) if here == who else None
    return (here, who, False) if kind in ("group", "supergroup") and here < 0 else None


def _id(value: object) -> int | None:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return value if is_number and isinstance(value, int) and -_LARGEST < value < _LARGEST else None
