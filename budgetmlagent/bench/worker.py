"""One run of a bench, in a process of its own: begun, or gone on with where an earlier process of it ended.

Run as `python -m budgetmlagent.bench.worker FOLDER [LINE]`. The folder holds `request.json`; `run` names the run once it is begun, and
`row.json` says what came of it. It ends with the process that started it, and leaves a run that can be gone on with. LINE is a
socket, by its number, at whose other end is noted what the run may have spent, before it is.
"""

import gc
import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memory.files import write_whole
from memory.locks import locked
from memory.state import NANO

if TYPE_CHECKING:
    from budgetmlagent import Session
    from budgetmlagent.money.ledger import Ledger
    from budgetmlagent.records.events import Event

REQUEST, RUN, ROW, STEP, LOG = "request.json", "run", "row.json", "step", "log"
SPENT = "spent.json"  # dollars of tries that no ledger here knows, and may have spent at most: they were lost, or failed elsewhere
AGAIN = "goes_on"  # in the row of a run that failed: whether it may come further another time
ROOM = "project_left"  # in the row of a run that was starved: dollars that were left to all runs when it had ended
PATIENCE = 90.0  # seconds for a process of the same run that was thought lost to be gone
GRACE = 30.0  # seconds to end in order, where nobody waits for it


def main() -> None:
    """Run to the end, or until the starter's end of our standard input is closed or SIGTERM comes."""
    gc.set_threshold(50_000)  # as for a command: what modules define is no garbage
    signal.signal(signal.SIGTERM, _interrupt)
    threading.Thread(target=_outlive_nobody, daemon=True).start()
    folder, line = Path(sys.argv[1]), sys.argv[2:]
    try:
        with locked(folder / "lock", PATIENCE):
            if not (folder / ROW).exists():
                work(folder, _noting(int(line[0])) if line else None)
    except KeyboardInterrupt:
        sys.exit(130)


def work(folder: Path, witness: Callable[[int], None] | None = None) -> None:
    """Make the run that `folder` asks for, and write its row. An error of the run is a row, too.

    `witness` is the one of its ledger (`Ledger.witness`), and hears what each step has cost as well.
    """
    from budgetmlagent.bench.summary import starved
    from budgetmlagent.errors import BudgetMLError, RunFailedError

    asked = json.loads((folder / REQUEST).read_text())
    session: Session | None = None
    try:
        run = session = _session(folder, asked)
        run.ledger.witness = witness

        def told(event: "Event") -> None:
            _tell(folder / STEP, event, run.cost.usd)
            if witness:
                witness(run.ledger.spent(run.run_id))

        row: dict[str, Any] = run.run(on_step=told)
        row |= _room(run.ledger) if starved(row) else {}
    except BudgetMLError as error:
        failed = {"status": "failed", "reason": str(error), AGAIN: not isinstance(error, RunFailedError)}
        row = (_known(session) if session else {}) | failed
    if "usd" in row:
        row["usd"] += spent(folder)
    write_whole(folder / ROW, json.dumps(row).encode(), durable=True)


def _known(session: "Session") -> dict[str, Any]:
    """Return what is known of a run that failed; nothing where its ledger is away, too."""
    from budgetmlagent.errors import BudgetMLError

    with suppress(BudgetMLError):
        return session.summary
    return {}


def _room(ledger: "Ledger") -> dict[str, float]:
    """Return what is left to all runs; nothing where they have no limit any more."""
    left = ledger.project_left()
    return {} if left is None else {ROOM: left / NANO}


def spent(folder: Path) -> float:
    """Return the dollars that tries of a cell may have spent of which no ledger here knows."""
    path = folder / SPENT
    return float(json.loads(path.read_text())) if path.exists() else 0.0


def keep_spent(folder: Path, usd: float) -> None:
    """Note them: a run that is begun anew has that much less."""
    write_whole(folder / SPENT, json.dumps(usd).encode(), durable=True)


def _noting(number: int) -> Callable[[int], None]:
    """Return the witness at the other end of a socket, which is waited for."""
    line = socket.socket(fileno=number)
    line.set_inheritable(False)

    def note(nano: int) -> None:
        heard = b""
        with suppress(OSError):  # of an end that is gone
            line.sendall(f"{nano}\n".encode())
            heard = line.recv(1)
        if not heard:
            raise KeyboardInterrupt

    return note


def _tell(path: Path, event: "Event", usd: float) -> None:
    """Say how far the run is."""
    told = {"turn": event.turn, "node": event.node, "usd": usd}
    write_whole(path, json.dumps(told).encode())


def _session(folder: Path, asked: dict[str, Any]) -> "Session":
    from budgetmlagent import Session
    from budgetmlagent.run.order import begin
    from budgetmlagent.run.request import Request

    mark = folder / RUN
    if mark.exists():
        return Session.open(mark.read_text(), asked["runs_dir"])
    left = max(0, round((asked["budget"] - spent(folder)) * NANO)) / NANO
    session = Session(begin(Request(**asked | {"budget": left}), capped=True))
    write_whole(mark, session.run_id.encode(), durable=True)
    return session


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _outlive_nobody() -> None:
    """Wait until nobody holds the other end of standard input any more; then end as by SIGTERM."""
    while os.read(
        0, 1
    ):  # not by sys.stdin, whose lock this thread would still hold when the interpreter ends
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE)
    os._exit(1)  # whoever goes on with the run waits for this process to be gone


if __name__ == "__main__":
    main()
