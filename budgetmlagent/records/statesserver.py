"""The states of runs in a Postgres database: LangGraph's own saver for it, of one run, whose faults are one typed line.

All savers of a process share one connection. What is written is written again where the connection broke: LangGraph's
statements leave what is there already.
"""

import atexit
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from budgetmlagent import postgres
from budgetmlagent.errors import UnavailableError
from budgetmlagent.postgres import INSTALL, Address, LostError, patiently
from budgetmlagent.records.closed import ForeignError, PlainSerializer
from budgetmlagent.records.marks import UNDECODABLE, Mark, behind

try:
    import psycopg
    from langgraph.checkpoint.postgres import PostgresSaver
except ImportError as error:
    raise UnavailableError(f"checkpoints: {INSTALL}") from error

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig
    from langgraph.checkpoint.base import ChannelVersions, Checkpoint, CheckpointMetadata, CheckpointTuple

T = TypeVar("T")
WHAT = "checkpoints"
SETTING_UP = 0x6275646765746D63  # the lock of those who make the tables
OURS = "(thread_id = %(run)s OR starts_with(thread_id, %(run)s || '#'))"
THREADS = (
    f"SELECT thread_id FROM checkpoints WHERE {OURS} GROUP BY thread_id ORDER BY max(checkpoint_id) DESC"  # noqa: S608
)
MARKS = """
SELECT checkpoint_id AS id, parent_checkpoint_id AS parent, (metadata ->> 'step')::int AS step,
    metadata ->> 'source' = 'loop' AS loop
FROM checkpoints WHERE thread_id = %s AND checkpoint_ns = '' ORDER BY checkpoint_id DESC
"""


class ServerCheckpoints(PostgresSaver):
    """The checkpoints of `run` at `address`; the tables are made where there are none.

    Raises UnavailableError for whatever the server does.
    """

    def __init__(self, address: Address, run: str) -> None:
        self.address, self.run = address, run
        self._line = _line(address, os.getpid())
        super().__init__(patiently(self._line.connected), serde=PlainSerializer())
        self.lock = self._line.lock
        self._do(self._make_tables)

    def threads(self) -> Sequence[str]:
        """Return the run's threads, the one with the newest checkpoint first; what the checkpoints hold is not read."""
        return [row["thread_id"] for row in self._do(lambda: self._rows(THREADS, {"run": self.run}))]

    def way(self, thread: str) -> Sequence[Mark]:
        """Return the checkpoints that lead to the newest one of a thread, oldest first; what they hold is not read."""
        return behind([Mark(**row) for row in self._do(lambda: self._rows(MARKS, (thread,)))])

    def every(self) -> "Iterator[CheckpointTuple]":
        """Yield all checkpoints of the run."""
        for thread in self.threads():
            yield from self.list({"configurable": {"thread_id": thread}})

    def remove(self) -> None:
        """Remove all checkpoints of the run."""
        for thread in self.threads():
            self._do(lambda thread=thread: super(ServerCheckpoints, self).delete_thread(thread))  # type: ignore[misc]

    def close(self) -> None:
        """Let go: the connection is the process', and stays."""

    def get_tuple(self, config: "RunnableConfig") -> "CheckpointTuple | None":
        """As LangGraph's."""
        return self._do(lambda: super(ServerCheckpoints, self).get_tuple(config))

    def list(self, config: "RunnableConfig | None", **how: Any) -> "Iterator[CheckpointTuple]":
        """As LangGraph's, read as a whole."""
        return iter(self._do(lambda: [*super(ServerCheckpoints, self).list(config, **how)]))

    def put(
        self,
        config: "RunnableConfig",
        checkpoint: "Checkpoint",
        metadata: "CheckpointMetadata",
        new_versions: "ChannelVersions",
    ) -> "RunnableConfig":
        """As LangGraph's."""
        write = super().put
        return self._do(lambda: write(config, checkpoint, metadata, new_versions))

    def put_writes(
        self, config: "RunnableConfig", writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """As LangGraph's."""
        write = super().put_writes
        self._do(lambda: write(config, writes, task_id, task_path))

    def _do(self, work: Callable[[], T]) -> T:
        return patiently(lambda: self._once(work))

    def _once(self, work: Callable[[], T]) -> T:
        self.conn = db = self._line.connected()
        try:
            return work()
        except psycopg.Error as error:
            told = postgres.fault(WHAT, self.address, error)
            raise (LostError(told) if db.closed else UnavailableError(told)) from error
        except ForeignError as error:
            raise UnavailableError(
                f"{WHAT} of run {self.run} at {self.address}: they hold what is none of budgetml's: {error}; do not open it"
            ) from None
        except UNDECODABLE as error:
            what = " ".join(str(error).split())[:120] or type(error).__name__
            raise UnavailableError(f"{WHAT} of run {self.run} at {self.address}: damaged ({what})") from error

    def _rows(self, sql: str, parameters: Any) -> Sequence[dict[str, Any]]:
        db = self._line.connected()
        with self.lock:
            return [dict(row) for row in db.execute(sql.encode(), parameters)]

    def _make_tables(self) -> None:
        """Have LangGraph make its tables. One at a time: who waited in the database would be waited for by whom it waits for."""
        newest = "SELECT to_regclass('checkpoint_migrations') IS NOT NULL AS made"
        if self._rows(newest, ())[0]["made"]:
            (row,) = self._rows("SELECT coalesce(max(v), -1) AS version FROM checkpoint_migrations", ())
            if row["version"] >= len(self.MIGRATIONS) - 1:
                return
        if not self._rows("SELECT pg_try_advisory_lock(%s) AS mine", (SETTING_UP,))[0]["mine"]:
            raise LostError(f"{WHAT} {self.address}: another process makes the tables")
        try:
            self.setup()
        finally:
            self._rows("SELECT pg_advisory_unlock(%s)", (SETTING_UP,))


class _Line:
    """A process' connection to a database, made anew where it broke."""

    def __init__(self, address: Address) -> None:
        self.address, self.lock = address, threading.Lock()
        self._db: psycopg.Connection[Any] | None = None

    def connected(self) -> "psycopg.Connection[Any]":
        with self.lock:
            if self._db is None or self._db.closed:
                self._db = postgres.connect(self.address, WHAT)
            return self._db

    def close(self) -> None:
        if self._db is not None:
            self._db.close()


@cache
def _line(address: Address, _process: int) -> _Line:
    line = _Line(address)
    atexit.register(line.close)
    return line
