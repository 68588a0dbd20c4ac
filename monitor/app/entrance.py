"""The door of the pages: the keys of the API let people in too."""

from aiohttp import web

from monitor.api.auth import Access, Caller, Scope


class Entrance:
    """Asks the API's own access."""

    def __init__(self, access: Access) -> None:
        self._access = access

    async def needs_key(self, request: web.Request) -> bool:
        """Return whether a key is asked for; raises HTTPForbidden for another host's name where none is, StoreError."""
        await self._access.refresh()
        self._access.check(request, Caller(), None)
        return not self._access.is_open

    def reader(self, secret: str) -> str | None:
        """Return the name of the key of this secret, None where there is none that may read."""
        key = self._access.key_of(secret)
        return None if key is None or not {Scope.READ, Scope.ADMIN} & key.scopes else key.name

    def holds(self, name: str) -> bool:
        """Return whether the key of this name is still good for reading."""
        return any(key.name == name and {Scope.READ, Scope.ADMIN} & key.scopes for key in self._access.keys)
