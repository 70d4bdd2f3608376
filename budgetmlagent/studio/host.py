"""The web host: three files for everybody on this machine, the requests for whoever has the token."""

import asyncio
import secrets
import socket
import time
from collections.abc import Callable
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from budgetmlagent.errors import UsageError
from budgetmlagent.studio.answers import Answers, as_json
from budgetmlagent.studio.bundle import bundle
from budgetmlagent.studio.place import Place
from budgetmlagent.studio.safety import Guard

if TYPE_CHECKING:
    import uvicorn

FILES = {
    "/": ("index.html", "text/html"),
    "/app.js": ("app.js", "text/javascript"),
    "/app.css": ("app.css", "text/css"),
}
LOOPBACK = "127.0.0.1"
LONGEST = 30.0  # seconds that a wait for changes may take
OFTEN = 0.2  # seconds between two looks


def application(answers: Answers, token: str, files: dict[str, bytes]) -> Guard:
    """Return the application, guarded."""

    async def page(request: Request) -> Response:
        name, kind = FILES[request.url.path]
        return Response(files[name], media_type=kind)

    async def ask(request: Request) -> Response:
        body = await request.body()
        status, reply = await run_in_threadpool(answers.answer, request.path_params["name"], body)
        content = await run_in_threadpool(as_json, reply)
        return Response(content, status, media_type="application/json")

    async def changes(request: Request) -> Response:
        try:
            since = int(request.query_params.get("since", "0"))
            wait = min(float(request.query_params.get("wait", "20")), LONGEST)
        except ValueError:
            return JSONResponse({"error": "changes: `since` and `wait` are numbers"}, 400)
        until = time.monotonic() + wait
        while True:
            found = await run_in_threadpool(answers.watcher.since, since)
            if found["changed"] or not since or time.monotonic() >= until or await request.is_disconnected():
                return JSONResponse(found)
            await asyncio.sleep(OFTEN)

    routes = [Route(path, page, methods=["GET"]) for path in FILES]
    routes += [
        Route("/api/changes", changes, methods=["GET"]),
        Route("/api/{name}", ask, methods=["POST"]),
    ]
    return Guard(Starlette(routes=routes), token)


def bound(port: int) -> socket.socket:
    """Return a socket at `port` of loopback, 0 for any that is free. Raises UsageError where it is taken."""
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((LOOPBACK, port))
    except (OSError, OverflowError) as error:
        found.close()
        why = getattr(error, "strerror", None) or "a port is 0 to 65535"
        raise UsageError(
            f"--port {port}: cannot be used: {why}; leave it out, and a free one is taken"
        ) from None
    return found


def served(answers: Answers, token: str) -> "uvicorn.Server":
    """Return the server, not yet begun. Raises UnavailableError where the page is not there."""
    import uvicorn

    config = uvicorn.Config(
        application(answers, token, bundle()),
        log_level="warning", access_log=False, lifespan="off", server_header=False, date_header=False,
        timeout_graceful_shutdown=2, ws="none",
    )  # fmt: skip
    return uvicorn.Server(config)


def serve(place: Place, port: int, ready: Callable[[str], object]) -> None:
    """Serve until an interrupt; `ready(url)` is called once somebody can come. Raises as `bound` and `served` do."""
    token, answers = secrets.token_urlsafe(24), Answers(place)
    server = served(answers, token)
    with closing(bound(port)) as listening:
        url = f"http://{LOOPBACK}:{listening.getsockname()[1]}/#{token}"
        listening.listen(128)
        ready(url)
        try:
            with suppress(KeyboardInterrupt):
                server.run(sockets=[listening])
        finally:
            answers.driver.close()
