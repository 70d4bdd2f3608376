"""One run of a bench, in a process of its own: begun, or gone on with where an earlier process of it ended.

Run as `python -m budgetmlagent.bench.worker FOLDER`. The folder holds `request.json`; `run` names the run once it is begun, and
`row.json` says what came of it. It ends with the process that started it, and leaves a run that can be gone on with.
"""

import json
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memory.files import write_whole
from memory.locks import locked

if TYPE_CHECKING:
    from budgetmlagent import Session
    from budgetmlagent.records.events import Event

REQUEST, RUN, ROW, STEP, LOG = "request.json", "run", "row.json", "step", "log"
SPENT = "spent.json"  # dollars of processes that were lost, or failed elsewhere, with what they knew
AGAIN = "goes_on"  # in the row of a run that failed: whether it may come further another time
PATIENCE = 90.0  # seconds for a process of the same run that was thought lost to be gone
GRACE = 30.0  # seconds to end in order, where nobody waits for it


def main() -> None:
    """Run to the end, or until the starter's end of our standard input is closed or SIGTERM comes."""
    signal.signal(signal.SIGTERM, _interrupt)
    threading.Thread(target=_outlive_nobody, daemon=True).start()
    folder = Path(sys.argv[1])
    try:
        with locked(folder / "lock", PATIENCE):
            if not (folder / ROW).exists():
                work(folder)
    except KeyboardInterrupt:
        sys.exit(130)


def work(folder: Path) -> None:
    """Make the run that `folder` asks for, and write its row. An error of the run is a row, too."""
    from budgetmlagent.errors import BudgetMLError, RunFailedError

    asked = json.loads((folder / REQUEST).read_text())
    session: Session | None = None
    try:
        run = session = _session(folder / RUN, asked)
        row: dict[str, Any] = run.run(on_step=lambda event: _told(folder / STEP, event, run.cost.usd))
    except BudgetMLError as error:
        failed = {"status": "failed", "reason": str(error), AGAIN: not isinstance(error, RunFailedError)}
        row = (_known(session) if session else {}) | failed
    write_whole(folder / ROW, json.dumps(row).encode(), durable=True)


def _known(session: "Session") -> dict[str, Any]:
    """Return what is known of a run that failed; nothing where its ledger is away, too."""
    from budgetmlagent.errors import BudgetMLError

    with suppress(BudgetMLError):
        return session.summary
    return {}


def spent(folder: Path) -> float:
    """Return the dollars of a cell's processes that were lost, or failed elsewhere, with what they knew."""
    path = folder / SPENT
    return float(json.loads(path.read_text())) if path.exists() else 0.0


def keep_spent(folder: Path, row: dict[str, Any]) -> None:
    """Keep what a run has cost that is begun anew, as no ledger here knows it; one that is here goes on, and needs no note."""
    if not (folder / RUN).exists() and row.get("usd"):
        write_whole(folder / SPENT, json.dumps(row["usd"]).encode())


def _told(path: Path, event: "Event", usd: float) -> None:
    """Say how far the run is."""
    told = {"turn": event.turn, "node": event.node, "usd": usd}
    write_whole(path, json.dumps(told).encode())


def _session(mark: Path, asked: dict[str, Any]) -> "Session":
    from budgetmlagent import Session

    if mark.exists():
        return Session.open(mark.read_text(), asked["runs_dir"])
    session = Session(**asked)
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
