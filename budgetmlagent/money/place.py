"""Where the money of a folder's runs stands: in a file beside them, or on the server that the project's settings name."""

from pathlib import Path

from budgetmlagent import settings
from budgetmlagent.cache import is_copy
from budgetmlagent.errors import UsageError
from budgetmlagent.money.ledger import Ledger
from budgetmlagent.placed import placed
from budgetmlagent.postgres import Address

LEDGER = "ledger.sqlite"


def place_of(runs_dir: Path) -> Path | Address:
    """Return the ledger's place.

    Raises UsageError for settings that are none or that the person has not confirmed, and where runs of the folder have
    another ledger already: each would have a budget of its own.
    """
    if is_copy(runs_dir):
        return runs_dir / LEDGER  # of others' runs, which are only looked at
    place = placed(file := runs_dir / LEDGER, settings.ledger(runs_dir), "ledger")
    if isinstance(place, Address) and file.exists():
        raise UsageError(
            f"{file}: has the money of earlier runs here, of which the ledger {place} knows nothing: take another --runs-dir,"
            " or leave `ledger` (BUDGETML_LEDGER) out"
        )
    return place


def is_there(place: Path | Address) -> bool:
    """Whether a ledger has been made there, as far as a file tells: opening it would make it."""
    return isinstance(place, Address) or place.is_file()


def existing(runs_dir: Path) -> Ledger | None:
    """Open the ledger of a folder's runs; None where there is none yet."""
    place = place_of(runs_dir)
    return Ledger(place) if is_there(place) else None
