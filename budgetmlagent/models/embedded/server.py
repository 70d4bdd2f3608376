"""The embedded server: llama.cpp speaking the OpenAI protocol on loopback, in a child process that always ends with us.

The child is given a pipe and watches it: when this process ends, however it ends, the pipe is closed and the child leaves.
The kernel's own "die with the parent" is not used, because it means the *thread* that started the child, and a graph runs
its nodes in threads that come and go. Run as `python -m budgetmlagent.models.embedded.server`, this file is the child.
"""

import atexit
import json
import os
import secrets
import select
import subprocess
import sys
import tempfile
import threading
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

from budgetmlagent.errors import UnavailableError
from budgetmlagent.keyless import keyless

CONTEXT = 16_384  # tokens of prompt and reply together
START_SECONDS = 180.0
# What says on which threads and cards it is to work.
TUNED = (
    "OMP_NUM_THREADS",
    "OPENBLAS_CORETYPE",
    "CUDA_VISIBLE_DEVICES",
    "HIP_VISIBLE_DEVICES",
    "GGML_VK_VISIBLE_DEVICES",
)


class EmbeddedServer:
    """A server of one model, started when it is first needed and anew when it has died."""

    def __init__(self, model_path: Path, alias: str, context: int | None = None, *, slots: int = 1) -> None:
        """`slots`: requests that are answered at once, each with a whole context of its own."""
        self.model_path, self.alias, self.context = model_path, alias, context or CONTEXT
        self.slots = slots
        self._key = secrets.token_urlsafe(24)  # keeps other users of this machine out
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._base_url = ""

    @property
    def base_url(self) -> str:
        """The address for an OpenAI client. Starts the server. Raises UnavailableError where it does not start."""
        with self._lock:
            if not self._base_url or self.pid is None:  # never started, interrupted while it started, or dead
                self._base_url = self._start()
            return self._base_url

    @property
    def api_key(self) -> str:
        """The key that it takes."""
        return self._key

    @property
    def pid(self) -> int | None:
        """The child's process id while one is there."""
        return self._child.pid if self._child and self._child.poll() is None else None

    def close(self) -> None:
        """End the server; it starts again when `base_url` is read again."""
        with self._lock:
            self._end()

    def _end(self) -> None:
        self._base_url = ""
        if self._child is None:
            return
        # It holds nothing that is worth saving, and its own way out may wait for a reply that nobody reads any more.
        self._child.kill()
        self._child.wait()
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                pipe.close()
        self._child = None

    def _start(self) -> str:
        self._end()
        if find_spec("xllamacpp") is None:
            raise UnavailableError(
                "an embedded model needs xllamacpp: run `pip install 'budgetmlagent[local]'`"
            )
        with tempfile.TemporaryFile() as log:
            # A session of its own: Ctrl-C on the terminal is for us, who still need the server to end the step in order.
            self._child = subprocess.Popen(
                [sys.executable, "-P", "-m", "budgetmlagent.models.embedded.server"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
                # Its threads wait asleep instead of spinning: beside other work on the same cores, spinning made it
                # several times slower.
                env=keyless(*TUNED) | {"OMP_WAIT_POLICY": "PASSIVE"},
            )
            address = self._greet(self._child)
            if not address:
                gone = self._child.poll() is not None
                self._end()
                reason = _complaint(log) if gone else f"no answer within {START_SECONDS:.0f} s"
                raise UnavailableError(f"the embedded server of {self.model_path} does not start: {reason}")
        return f"{address}/v1"

    def _greet(self, child: subprocess.Popen[bytes]) -> str:
        """Tell the child what to serve, and wait until it has loaded it. Returns its address, "" where it has none."""
        assert child.stdin is not None and child.stdout is not None
        settings = {
            "path": str(self.model_path),
            "alias": self.alias,
            "context": self.context,
            "slots": self.slots,
            "key": self._key,
            "parent": os.getpid(),
        }
        try:
            child.stdin.write(json.dumps(settings).encode() + b"\n")
            child.stdin.flush()
        except BrokenPipeError:
            child.wait()
            return ""
        if not select.select([child.stdout], [], [], START_SECONDS)[0]:
            return ""
        address = child.stdout.readline().decode().strip()
        if not address:
            child.wait()
        return address


def _complaint(log: IO[bytes]) -> str:
    """Of the child's log the first line of level E, which names the cause; else the last line."""
    log.seek(0)
    lines = [line.strip() for line in log.read().decode("utf-8", "replace").splitlines() if line.strip()]
    errors = [line.split(" E ", 1)[1] for line in lines if " E " in line]
    return " ".join((errors[:1] or lines[-1:] or ["it said nothing"])[0].split())


_servers: dict[Path, EmbeddedServer] = {}
_servers_lock = threading.Lock()


def server_for(model_path: Path, alias: str, context: int | None = None) -> EmbeddedServer:
    """The one server of this process for that file. It ends with the process."""
    with _servers_lock:
        return _servers.setdefault(model_path.resolve(), EmbeddedServer(model_path, alias, context))


@atexit.register
def close_all() -> None:
    """End all servers of this process."""
    with _servers_lock:
        for server in _servers.values():
            server.close()


def _serve() -> None:
    """Be the child: read the settings, watch the parent, load the model, tell the address, and serve until the parent ends."""
    settings = json.loads(sys.stdin.buffer.readline())
    report = os.dup(1)
    os.dup2(2, 1)  # whatever the library prints goes to the log
    watch = threading.Thread(target=_leave_with, args=(settings["parent"],), daemon=True)
    watch.start()
    from xllamacpp import Server

    server = Server(_params(settings))
    os.write(report, f"{server.listening_address}\n".encode())
    os.close(report)
    watch.join()


def _leave_with(parent: int) -> None:
    """End this process when the parent closes its pipe; or, where a fork of it still holds the pipe, has gone."""
    while not select.select([0], [], [], 1.0)[0] and os.getppid() == parent:
        pass
    os._exit(0)


def _params(settings: dict[str, Any]) -> Any:
    from xllamacpp import CommonParams

    params = CommonParams()
    params.model.path = settings["path"]
    params.model_alias = {settings["alias"]}
    params.api_keys = [settings["key"]]
    params.hostnames = ["127.0.0.1"]
    params.port = 0  # the system picks a free one
    params.n_ctx = settings["context"] * settings["slots"]  # which the server shares out among them
    params.n_parallel = settings[
        "slots"
    ]  # each keeps one prompt's prefix, and a graph asks one thing at a time
    params.cache_ram_mib = 512
    params.use_jinja = True
    params.ui = params.endpoint_slots = False
    threads = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    return params


if __name__ == "__main__":
    _serve()
