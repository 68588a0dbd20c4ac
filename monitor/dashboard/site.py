"""The site: every page behind the door, with the headers that keep strangers' text from running."""

from collections.abc import Awaitable, Callable
from functools import partial
from importlib.resources import files
from urllib.parse import urlsplit

from aiohttp import web

from monitor import log
from monitor.dashboard.frame import framed
from monitor.dashboard.html import el
from monitor.dashboard.inside import LOOKER, Inside, Looker, html
from monitor.dashboard.pages import PAGES, Page
from monitor.dashboard.sessions import Door, Sessions
from monitor.errors import HistoryError, StoreError, UsageError

POLICY = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "img-src 'self'; script-src 'self'; style-src 'self'; connect-src 'self'"
)
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_ASSETS = {
    "hfm.css": "text/css",
    "hfm.js": "text/javascript",
    "live.js": "text/javascript",
    "rows.js": "text/javascript",
    "hfm.svg": "image/svg+xml",
}
_CACHED = {"Cache-Control": "private, max-age=300"}
_log = log.get("dashboard")


class Site:
    """The pages over what they look into."""

    def __init__(self, inside: Inside, door: Door) -> None:
        self._inside = inside
        self._sessions = Sessions(door, inside.clock)
        self._assets = {name: (files(__package__) / "assets" / name).read_bytes() for name in _ASSETS}

    def add_to(self, app: web.Application) -> None:
        """Add every page to an application that guards size, pace and patience; what is told ends with it."""
        router = app.router

        async def close(_: web.Application) -> None:
            self._inside.closing.set()

        app.on_shutdown.append(close)
        for path, page in PAGES.items():
            router.add_get(path, self._locked(page))
        router.add_get("/assets/{name}", self._asset)
        router.add_post("/login", self._login)
        router.add_post("/logout", self._logout)

    def _locked(self, page: Page) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def shown(request: web.Request) -> web.StreamResponse:
            if not await self._sessions.admits(request):
                return _asked(request.path_qs)
            request[LOOKER] = Looker(partial(self._sessions.admits, request))
            return await page(self._inside, request)

        return _secured(shown)

    async def _asset(self, request: web.Request) -> web.Response:
        body = self._assets.get(request.match_info["name"])
        if body is None:
            raise web.HTTPNotFound(text="no such file")
        kind = _ASSETS[request.match_info["name"]]
        return web.Response(body=body, content_type=kind, charset="utf-8", headers={**_HEADERS, **_CACHED})

    async def _login(self, request: web.Request) -> web.StreamResponse:
        return await _secured(self._let_in)(request)

    async def _let_in(self, request: web.Request) -> web.Response:
        _check_origin(request)
        await self._sessions.admits(request)
        filled = await request.post()
        secret, following = str(filled.get("key", "")), _own(str(filled.get("next", "/")))
        response = web.Response(status=303, headers={"Location": following})
        if not self._sessions.open(secret.strip(), response, is_secure=request.scheme == "https"):
            return _asked(following, "That is no key of this service that may read.")
        return response

    async def _logout(self, request: web.Request) -> web.Response:
        _check_origin(request)
        response = web.Response(status=303, headers={"Location": "/", **_HEADERS})
        self._sessions.close(request, response)
        return response


def _secured(
    page: Callable[[web.Request], Awaitable[web.StreamResponse]],
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Return a page whose failures are pages too, with the headers of all pages."""

    async def answered(request: web.Request) -> web.StreamResponse:
        response: web.StreamResponse
        try:
            response = await page(request)
        except web.HTTPException as e:
            response = _failed(e.status, e.text or e.reason)
        except UsageError as e:
            response = _failed(422, str(e))
        except (StoreError, HistoryError) as e:
            _log.error("a page was not shown", reason=str(e))
            response = _failed(503, "What this page shows cannot be read now; try again.")
        response.headers.update(_HEADERS)
        return response

    return answered


def _failed(status: int, why: str) -> web.Response:
    return html(framed("Not shown", el("p", why, class_="problem", role="alert")), status)


def _asked(following: str, problem: str = "") -> web.Response:
    """Return the form that asks for a key."""
    form = el(
        "form",
        el("label", "API key", for_="key"),
        el("input", type="password", id="key", name="key", required=True, autocomplete="current-password"),
        el("input", type="hidden", name="next", value=_own(following)),
        el("button", "Look in", type="submit"),
        action="/login",
        method="post",
        class_="login",
    )
    said = el("p", problem, class_="problem", role="alert") if problem else None
    return html(framed("A key is needed", said, form, is_known=False), 401)


def _own(path: str) -> str:
    """Return a path of this site; whatever leads elsewhere becomes the front page."""
    parts = urlsplit(path)
    is_own = path.startswith("/") and not path.startswith("//") and not parts.netloc and path.isprintable()
    return path if is_own and "\\" not in path else "/"


def _check_origin(request: web.Request) -> None:
    """Raise HTTPForbidden for a form of another site."""
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.host:
        raise web.HTTPForbidden(text="this form is only taken from its own page")
