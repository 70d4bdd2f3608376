"""A scripted OpenAI-compatible server on loopback that can do everything wrong that a provider can.

In a test: `with FaultServer([Turn("hello"), Turn(fault="500")]) as server: ... server.url, server.requests`.
By hand: `python tests/fault_server.py --port 8191 --script turns.json --log requests.jsonl`, where the script is a list of
turns such as `{"text": "hello", "fault": "length"}`; after the last of them, and without a script, it echoes.
"""

import argparse
import gzip
import json
import math
import socket
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

FAULTS = (
    "",
    "reset_before",  # the connection is reset before the request is read
    "reset_after",  # and after, the reply being made
    "reset_during",  # headers and half a body, then a reset
    "drip",  # a byte of the body every `delay` seconds
    "hang",  # no answer within the delay, then a reset
    "empty",  # status 200 and no body
    "invalid_json",  # status 200 and half a body
    "no_choices",
    "null_choices",
    "error_body",  # status 200 and an error in it
    "error_code",  # status 200 and an error with the code `code` in it
    "no_usage",
    "odd_usage",  # usage whose counts are missing or negative
    "length",  # cut off at max_tokens
    "filtered",  # finish_reason content_filter
    "refusal",  # the text stands in the field `refusal`
    "schema",  # the schema itself as the reply
    "redirect",
    "packed",  # gzip, which nobody asked for
    "bomb",  # gzip, which unpacks to a hundred times its bytes and more
    "odd_packing",  # said to be brotli
    "not_packed",  # said to be gzip
    "deep",  # a million brackets
)  # or a status: "400", "401", "429", "500", ...; all that has room for it echoes the key

PACKINGS = {"packed": "gzip", "bomb": "gzip", "not_packed": "gzip", "odd_packing": "br"}


@dataclass
class Turn:
    """What to do with one request. Token counts are those of the text (four bytes a token) unless they are given."""

    text: str = ""
    fault: str = ""
    tokens_in: int | None = None
    tokens_out: int | None = None
    cached: int = 0
    thought: int = 0  # of tokens_out: what the model thought before it answered
    usage: dict[str, Any] = field(default_factory=dict)  # what the usage says beside that
    cost: Any = None  # what the usage says that it cost, in dollars; None: nothing
    delay: float = 0.0
    retry_after: str = ""  # header of a status
    code: str = "x"  # of the error of a status
    model: str = ""  # that the reply names; "": the one that was asked for
    message: dict[str, Any] = field(default_factory=dict)  # what the message holds beside the text, or for it
    finish: str = ""  # the finish_reason; "": as the text and the limit have it
    refuses: str = ""  # the field of the request that a status is about
    said: Any = None  # the body of a status; None: an error in OpenAI's form


@dataclass
class Request:
    """One request as it arrived, and what was billed for it: tokens in, cached, out; None where nothing was counted."""

    path: str
    key: str
    body: dict[str, Any]
    billed: tuple[int, int, int] | None = None
    thought: int = 0  # tokens, of those that were billed as out
    refused: str = ""  # the field that the endpoint did not take


Responder = Callable[[dict[str, Any]], Turn]


def echo(body: dict[str, Any]) -> Turn:
    """Answer with the last message."""
    return Turn(str(body["messages"][-1]["content"]))


class FaultServer(ThreadingHTTPServer):
    """Plays `script`, a turn a request, and then what `respond` says."""

    daemon_threads = True

    def __init__(self, script: Iterable[Turn] = (), respond: Responder = echo, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.script, self.respond = list(script), respond
        self.requests: list[Request] = []
        self.lock = threading.Lock()
        self.log: Path | None = None

    @property
    def url(self) -> str:
        """The base_url for a client."""
        return f"http://127.0.0.1:{self.server_port}/v1"

    def __enter__(self) -> "FaultServer":
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def resets_now(self) -> bool:
        """Whether the coming request is not even to be read; that turn is then used up."""
        with self.lock:
            if self.script and self.script[0].fault == "reset_before":
                self.script.pop(0)
                return True
        return False

    def take(self, request: Request) -> Turn:
        """Note a request and pick its turn."""
        with self.lock:
            self.requests.append(request)
            if self.script:
                return self.script.pop(0)
            return Turn() if "input" in request.body else self.respond(request.body)

    def note(self, request: Request) -> None:
        """Write a line of the log."""
        if self.log:
            with self.lock, self.log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(request) | {"key": "***" if request.key else ""}) + "\n")

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Stay silent: a client that went away is no event."""


class _Handler(BaseHTTPRequestHandler):
    server: FaultServer
    protocol_version = "HTTP/1.1"

    def handle(self) -> None:
        if self.server.resets_now():
            self._reset()
        else:
            super().handle()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing on standard error."""

    def do_GET(self) -> None:
        if self.path == "/v1/models":
            self._send(200, {"object": "list", "data": [{"id": "any-name", "object": "model"}]})
        else:
            self._send(404, {"error": {"message": f"no {self.path} here"}})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        request = Request(self.path, self.headers.get("Authorization", "").removeprefix("Bearer "), body)
        asked = urlsplit(self.path).path  # a proxy is given whole addresses
        if asked not in ("/v1/chat/completions", "/v1/embeddings"):
            self._send(404, {"error": {"message": f"no {self.path} here"}})
            return
        turn = self.server.take(request)
        time.sleep(0 if turn.fault == "drip" else turn.delay)
        self._play(turn, request)
        self.server.note(request)

    def _play(self, turn: Turn, request: Request) -> None:
        if turn.fault.isdigit():
            request.refused = turn.refuses
            error = {"message": turn.text or f"fault, {request.key} used", "code": turn.code}
            headers = {"Retry-After": turn.retry_after} if turn.retry_after else {}
            self._send(int(turn.fault), {"error": error} if turn.said is None else turn.said, headers)
        elif turn.fault == "redirect":
            self._send(307, {}, {"Location": "http://127.0.0.1:9/v1/chat/completions"})
        elif turn.fault == "error_body":
            self._send(200, {"error": {"message": f"upstream failed for {request.key}"}})
        elif turn.fault == "error_code":
            error = {"message": "Provider returned error", "code": int(turn.code)}
            self._send(200, {"choices": None, "error": error})
        elif turn.fault == "empty":
            self._send(200, None)
        elif turn.fault == "invalid_json":
            self._send(200, f'{{"id": "{request.key}", "choices": [{{"mess')
        else:
            made = completion if "input" not in request.body else embeddings
            whole = json.dumps(made(turn, request)).encode()
            if turn.fault in PACKINGS:
                self._packed(turn.fault, whole)
            else:
                self._reply(turn, b"[" * 10**6 + b"]" * 10**6 if turn.fault == "deep" else whole)

    def _packed(self, fault: str, whole: bytes) -> None:
        """Send a reply that is packed, or says that it is."""
        raw = bomb(whole) if fault == "bomb" else gzip.compress(whole) if fault == "packed" else whole
        self._head(200, len(raw), {"Content-Encoding": PACKINGS[fault]})
        self.wfile.write(raw)

    def _reply(self, turn: Turn, whole: bytes) -> None:
        """Send a reply that was made, and billed, as far as the fault lets it come."""
        if turn.fault not in ("reset_after", "hang"):
            self._head(200, len(whole))
        if turn.fault == "reset_during":
            self.wfile.write(whole[: len(whole) // 2])
        if turn.fault in ("reset_after", "hang", "reset_during"):
            self._reset()
        elif turn.fault == "drip":
            for number in range(len(whole)):
                self.wfile.write(whole[number : number + 1])
                time.sleep(turn.delay)
        else:
            self.wfile.write(whole)

    def _send(self, status: int, value: Any, headers: dict[str, str] | None = None) -> None:
        raw = b"" if value is None else (value if isinstance(value, str) else json.dumps(value)).encode()
        self._head(status, len(raw), headers)
        self.wfile.write(raw)

    def _head(self, status: int, length: int, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, text in ({"Content-Type": "application/json"} | (headers or {})).items():
            self.send_header(name, text)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def _reset(self) -> None:
        """End the connection with RST, not in order."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


def embeddings(turn: Turn, request: Request) -> Any:
    """Return a vector for each text, the last first: how often each of its words was met, by the words' hashes."""
    data = []
    for index, text in enumerate(request.body["input"]):
        vector = [0.0] * 64
        for word in text.split():
            vector[zlib.crc32(word.encode()) % 64] += 1.0
        data.append({"object": "embedding", "index": index, "embedding": vector})
    return {"object": "list", "data": data[::-1]} if turn.said is None else turn.said


def completion(turn: Turn, request: Request) -> dict[str, Any]:
    """The body of a chat completion, with what it bills noted in the request."""
    schema = request.body.get("response_format", {}).get("json_schema", {}).get("schema")
    if turn.fault == "schema":
        turn = replace(turn, text=json.dumps(schema))
    limit = request.body.get("max_completion_tokens") or request.body.get("max_tokens") or 10**6
    text, finish = turn.text, "stop"
    if turn.fault == "length" or tokens(text) > limit:
        text, finish = text.encode()[: 4 * limit].decode("utf-8", "ignore"), "length"
    prompt = "".join(str(message["content"]) for message in request.body["messages"])
    tokens_in = tokens(prompt) if turn.tokens_in is None else turn.tokens_in
    tokens_out = tokens(text) if turn.tokens_out is None else turn.tokens_out
    usage: Any = {
        "prompt_tokens": tokens_in,
        "completion_tokens": tokens_out,
        "total_tokens": tokens_in + tokens_out,
        "prompt_tokens_details": {"cached_tokens": turn.cached},
    }
    if turn.cost is not None:
        usage["cost"] = turn.cost
    usage |= turn.usage
    request.billed, request.thought = (tokens_in, turn.cached, tokens_out), turn.thought
    if turn.fault in ("no_usage", "odd_usage"):
        usage = None if turn.fault == "no_usage" else {"prompt_tokens": -1, "total_tokens": 7}
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if turn.fault == "refusal":
        message = {"role": "assistant", "content": None, "refusal": text}
    message |= turn.message
    finish = "content_filter" if turn.fault == "filtered" else turn.finish or finish
    choices: Any = [{"index": 0, "message": message, "finish_reason": finish}]
    if turn.fault in ("no_choices", "null_choices"):
        choices = [] if turn.fault == "no_choices" else None
    model = turn.model or request.body.get("model", "")
    return {
        "id": f"chatcmpl-{threading.get_ident()}-{time.monotonic_ns()}",
        "object": "chat.completion",
        "created": 0,
        "model": model,
        "choices": choices,
        "usage": usage,
    }


@cache
def bomb(whole: bytes) -> bytes:
    """A reply, and behind it 128 MiB of spaces, which JSON allows."""
    packer = zlib.compressobj(1, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    spaces = b" " * 2**20
    return b"".join([packer.compress(whole), *(packer.compress(spaces) for _ in range(2**7)), packer.flush()])


def tokens(text: str) -> int:
    """The server's own count: four bytes a token."""
    return math.ceil(len(text.encode("utf-8", "surrogatepass")) / 4)


def main() -> None:
    """Serve until interrupted."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--port", type=int, default=8191)
    options.add_argument("--script", type=Path, help="a JSON list of turns")
    options.add_argument("--log", type=Path, help="write each request as a line of JSON")
    chosen = options.parse_args()
    script = [Turn(**turn) for turn in json.loads(chosen.script.read_text())] if chosen.script else []
    server = FaultServer(script, port=chosen.port)
    server.log = chosen.log
    print(f"serving {server.url}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()


if __name__ == "__main__":
    main()
