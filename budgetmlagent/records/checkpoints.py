"""A run's checkpoints: a file of LangGraph's own saver, whose faults are one typed line that names it, or a database."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Union

from langgraph.checkpoint.sqlite import SqliteSaver

from budgetmlagent.disk import DATABASE_ERRORS, LOOK, remedy
from budgetmlagent.errors import UnavailableError
from budgetmlagent.records.closed import ForeignError, PlainSerializer
from budgetmlagent.records.marks import UNDECODABLE, Mark, behind
from memory.tables import only_tables

if TYPE_CHECKING:
    from langgraph.checkpoint.base import CheckpointTuple

    from budgetmlagent.records.rundir import RunDir
    from budgetmlagent.records.statesserver import ServerCheckpoints

MARKS = (
    "SELECT checkpoint_id, parent_checkpoint_id, json_extract(CAST(metadata AS TEXT), '$.step'),"
    " json_extract(CAST(metadata AS TEXT), '$.source') FROM checkpoints"
    " WHERE thread_id = ? AND checkpoint_ns = '' ORDER BY checkpoint_id DESC"
)


class Checkpoints(SqliteSaver):
    """The checkpoints in `path`, made where there are none. Raises UnavailableError for whatever the file does."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            db = sqlite3.connect(path, check_same_thread=False)
            only_tables(db)
            super().__init__(db, serde=PlainSerializer())
        except DATABASE_ERRORS as error:
            raise UnavailableError(f"checkpoints {path}: {error}; {remedy(error)}") from error

    def threads(self) -> list[str]:
        """Return the threads, the one with the newest checkpoint first; what the checkpoints hold is not read."""
        with self.cursor(transaction=False) as cursor:
            newest = "SELECT thread_id FROM checkpoints GROUP BY thread_id ORDER BY max(checkpoint_id) DESC"
            return [str(thread) for (thread,) in cursor.execute(newest).fetchall()]

    def way(self, thread: str) -> list[Mark]:
        """Return the checkpoints that lead to the newest one of a thread, oldest first; what they hold is not read."""
        with self.cursor(transaction=False) as cursor:
            rows = cursor.execute(MARKS, (thread,)).fetchall()
            marks = [Mark(str(id), parent, int(step), source == "loop") for id, parent, step, source in rows]
        return behind(marks)

    def every(self) -> "Iterator[CheckpointTuple]":
        """Yield all checkpoints of the run."""
        return self.list(None)

    def close(self) -> None:
        """Close the file."""
        self.conn.close()

    @contextmanager
    def cursor(self, transaction: bool = True) -> Iterator[sqlite3.Cursor]:
        """Every access goes through here: a transaction writes, anything else reads and decodes."""
        try:
            with super().cursor(transaction) as cursor:
                yield cursor
        except DATABASE_ERRORS as error:
            raise UnavailableError(f"checkpoints {self.path}: {error}; {remedy(error)}") from error
        except ForeignError as error:
            whose = f"{self.path.name} of run {self.path.parent.name}"
            raise UnavailableError(
                f"{whose} holds what is none of budgetml's: {error}; do not open it"
            ) from None
        except UNDECODABLE as error:
            if transaction:
                raise  # what cannot be encoded is a node's fault, not the file's
            what = " ".join(str(error).split())[:120] or type(error).__name__
            raise UnavailableError(f"checkpoints {self.path}: damaged ({what}); {LOOK}") from error


Saver = Union[Checkpoints, "ServerCheckpoints"]


def checkpoints_of(run: "RunDir") -> Saver:
    """Open a run's checkpoints, where it was begun with them. Raises UnavailableError, and UsageError as the settings do."""
    place = run.states
    if isinstance(place, Path):
        return Checkpoints(place)
    from budgetmlagent.records.statesserver import ServerCheckpoints

    return ServerCheckpoints(place, run.run_id)


def have_begun(run: "RunDir") -> bool:
    """Whether a run may have checkpoints, as far as files tell: opening them would make some."""
    place = run.states
    return not isinstance(place, Path) or place.is_file()
