"""Who is heard: the page of this very host, by a browser on this machine, with the token. Everybody else is refused.

The token is a secret of this process, which the page takes from the URL's fragment: a browser sends that nowhere. It comes back in a
header, never in a cookie, as all ports of a host share cookies. A page of another site cannot set the header without asking first
(a preflight), and that is refused; the Host must be a name of loopback, so that no foreign name can be made to lead here.
"""

import hmac
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:;"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": CSP,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}
LOOPBACK = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?", re.IGNORECASE | re.ASCII)
TOKEN = "x-studio-token"  # noqa: S105 - the header's name
OWN = ("same-origin", "none")  # what Sec-Fetch-Site says of a page of ours
LARGEST = 6 << 20  # bytes of a request's body

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Guard:
    """Stands before the whole application."""

    def __init__(self, app: App, token: str) -> None:
        self._app, self._token = app, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on; each reply carries the headers that bind the page."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return

        async def bound(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        refused = self._refused(scope)
        if refused:
            status, why = refused
            await JSONResponse({"error": why}, status)(scope, receive, bound)
        else:
            await self._app(scope, receive, bound)

    def _refused(self, scope: Scope) -> tuple[int, str] | None:
        """Return status and reason of a refusal; None where the request is heard."""
        headers, method = Headers(scope=scope), scope["method"]
        host = headers.get("host", "")
        if len(headers.getlist("host")) != 1 or not LOOPBACK.fullmatch(host):
            return 403, "foreign host: the studio answers on this machine alone"
        origins = headers.getlist("origin")
        if origins and origins != [f"http://{host}"]:
            return 403, "foreign origin: another page may not ask"
        if method not in ("GET", "POST"):
            return 403, f"{method[:20]} is not answered"
        if not scope["path"].startswith("/api/"):
            return None
        if headers.get("sec-fetch-site", "none") not in OWN:
            return 403, "foreign origin: another page may not ask"
        if not hmac.compare_digest(headers.get(TOKEN, "").encode(), self._token.encode()):
            return 401, "no token, or an old one: open the address that `budgetml studio` printed"
        if (
            method == "POST"
            and headers.get("content-type", "").partition(";")[0].strip() != "application/json"
        ):
            return 403, "a request is JSON"
        length = headers.get("content-length", "0" if method == "GET" else "")
        if not length.isdecimal() or int(length) > LARGEST:
            return 413, f"a request has at most {LARGEST >> 20} MiB"
        return None
