"""Embedded models that several processes share: one of them has the servers, the others find them by a file.

The file says of each model's weights where they are served, and the key; nobody else can read it. A server that has died is
started again, and the file then says where.
"""

import json
import os
import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from budgetmlagent.errors import UnavailableError
from budgetmlagent.models.config import ModelSpec
from budgetmlagent.models.embedded.server import EmbeddedServer
from budgetmlagent.models.embedded.weights import path_of, verify
from memory.files import SMALL, read_plain, write_whole

LENT = "BUDGETML_LENT"  # the variable that names the file, to the processes that a bench starts
LOOK = 1.0  # seconds between two looks at whether the servers live


class Lender:
    """The servers of `models` for other processes, each with `slots` requests at once, from `with` to its end."""

    def __init__(self, file: Path, models: Iterable[ModelSpec], slots: int) -> None:
        """Nothing is started yet. Raises UnavailableError where weights are missing or changed."""
        self.file = file
        self._servers = {
            str(path_of(spec.model).resolve()): EmbeddedServer(
                verify(spec.model), spec.name, spec.context, slots=slots
            )
            for spec in models
        }
        self._ended = threading.Event()
        self._watch = threading.Thread(target=self._stay, daemon=True)

    def __enter__(self) -> "Lender":
        """Start the servers. Raises UnavailableError where one does not start."""
        self._tell()
        self._watch.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._watch.join()
        for server in self._servers.values():
            server.close()
        self.file.unlink(missing_ok=True)

    def _tell(self) -> None:
        told = {path: [server.base_url, server.api_key] for path, server in self._servers.items()}
        write_whole(self.file, json.dumps(told).encode(), mode=0o600)

    def _stay(self) -> None:
        while not self._ended.wait(LOOK):
            if any(server.pid is None for server in self._servers.values()):
                with suppress(
                    UnavailableError
                ):  # whoever asks then has no reply, and the next look tries again
                    self._tell()


def borrowed(model_path: Path) -> "Borrowed | None":
    """Return the server of the process that started this one, where that lends it; None: nobody does."""
    file = os.environ.get(LENT)
    return Borrowed(Path(file), model_path) if file else None


class Borrowed:
    """A server that another process has."""

    def __init__(self, file: Path, model_path: Path) -> None:
        self.file, self.model_path = file, model_path

    @property
    def base_url(self) -> str:
        """The address for an OpenAI client. Raises UnavailableError where nobody serves the model any more."""
        return self._told()[0]

    @property
    def api_key(self) -> str:
        """The key that it takes. Raises as `base_url`."""
        return self._told()[1]

    def _told(self) -> tuple[str, str]:
        try:
            url, key = json.loads(read_plain(self.file, SMALL))[str(self.model_path.resolve())]
        except (OSError, ValueError, KeyError):
            raise UnavailableError(
                f"{self.file}: tells no server of {self.model_path}: the bench that served it has ended"
            ) from None
        return url, key
