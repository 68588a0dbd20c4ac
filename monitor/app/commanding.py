"""The bot that takes commands, where the settings have one."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from monitor.app.serving import readiness_s
from monitor.bot.bot import Bot
from monitor.bot.commands.command import Means
from monitor.bot.crowd import Crowd
from monitor.bot.outgoing import Outgoing, Turn
from monitor.channels.channel import Channel
from monitor.channels.telegram import Telegram
from monitor.cycle.board import Board
from monitor.rules.levels import Levels
from monitor.settings import Settings


def bot(
    settings: Settings,
    board: Board,
    channels: Sequence[Channel],
    own_levels: Callable[[Mapping[str, Any]], Levels],
    turn: Turn,
) -> Bot | None:
    """Return the bot that the alerts go out by, None where there is none or its updates are read by others.

    Its replies wait for their `turn` in the pace of the alerts.
    """
    telegram = next((one for one in channels if isinstance(one, Telegram) and one.hears), None)
    if telegram is None:
        return None
    clock = board.clock
    means = Means(board.store, board, clock, readiness_s(settings), own_levels, settings.alerts.acknowledge_for_s)
    outgoing = Outgoing(telegram.api, turn, clock)
    return Bot(telegram.api, means, Crowd(clock), outgoing)
