"""The console takes what its stream takes, and a channel that is not set up says so."""

import io

import pytest

from monitor.channels.absent import Absent
from monitor.channels.channel import Channel, Message
from monitor.channels.console import Console
from monitor.errors import DeliveryDeferred, DeliveryRefused

MESSAGE = Message("k", "i", "s", "CRITICAL\nhealth 1.04", "<b>CRITICAL</b>")


async def test_the_console_shows_the_text():
    stream = io.StringIO()
    channel: Channel = Console(stream)
    await channel.send("", MESSAGE)
    assert stream.getvalue() == "CRITICAL\nhealth 1.04\n\n"


async def test_a_closed_console_is_tried_again():
    stream = io.StringIO()
    stream.close()
    with pytest.raises(DeliveryDeferred):
        await Console(stream).send("", MESSAGE)


async def test_a_channel_that_is_not_set_up_sends_on_and_names_the_setting():
    channel: Channel = Absent("telegram", "telegram.token")
    with pytest.raises(DeliveryRefused, match=r"telegram\.token"):
        await channel.send("42", MESSAGE)
