"""What became of the latest message on each channel."""

from dataclasses import asdict

from monitor.api.route import Route
from monitor.client.wire.channel import ChannelAnswer, Channels
from monitor.store import Views


def channels_route(views: Views) -> Route:
    """Return the route."""

    async def channels() -> Channels:
        """List the channels that messages went out by: what is owed, and what became of the latest try."""
        status = await views.outbox_status()
        return Channels(items=tuple(ChannelAnswer.model_validate(asdict(one)) for one in status.channels))

    return Route("/v1/channels", channels)
