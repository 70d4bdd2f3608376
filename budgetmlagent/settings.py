"""`budgetml.toml`, beside the runs' folder: a project's settings, each with a variable that wins over it.

runs = "/data/runs"                          the runs' folder, where commands are given no --runs-dir (BUDGETML_RUNS)
models = "models.yaml"                       whom runs ask (BUDGETML_MODELS)
budget = 0.25, project_budget = 5            dollars of a run, and of all together (BUDGETML_BUDGET, BUDGETML_PROJECT_BUDGET)
turns = 12, history = "all"                  as the options of these names (BUDGETML_TURNS, BUDGETML_HISTORY)
memory = "http://127.0.0.1:8000"             a Chroma server for what several machines learn (BUDGETML_MEMORY)
embedding = "https://api.example/v1 m KEY"   who makes the vectors by which it is found (BUDGETML_EMBEDDING)
ledger = "postgresql://me@db.example/money"  a Postgres database for the money of several machines (BUDGETML_LEDGER)
checkpoints = "postgresql://…"               one for the states of runs (BUDGETML_CHECKPOINTS)
archive = "s3://bucket/prefix"               a folder, or a URL of fsspec's, where ended runs are kept, too (BUDGETML_ARCHIVE)

The command line wins over both. A file that names another folder for the runs is the settings of that one where commands are given
beside it, and one beside which a bench was begun is those of the bench. It may have come with a folder that somebody sent, and says where texts and money go and which key with them: it is
obeyed once the person has confirmed it.
"""

import hashlib
import os
import sys
import tomllib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from budgetmlagent.confirmed import keep, known
from budgetmlagent.disk import at_home
from budgetmlagent.errors import UsageError
from budgetmlagent.foreign import visible
from budgetmlagent.instead import EMBEDDED, REPLAY
from budgetmlagent.postgres import Address
from budgetmlagent.storage import FORM, URL, Storage
from budgetmlagent.wording import one_of, unknown
from memory.embedding import SHIPPED, named
from memory.files import SMALL, read_plain, write_whole
from memory.merge import SHARED
from memory.server import address
from memory.shared import Place

if TYPE_CHECKING:
    from memory.history import Mode

NAME = "budgetml.toml"
CARRIED = "BUDGETML_CARRIED"  # set on machines that a bench has told of its settings: no file counts there
FROM = "budgetml.from"  # in a bench's folder: where the file is that its runs obey
KIND = "settings"
RUNS = Path("runs")  # the runs' folder where nothing names one
HISTORY: "tuple[Mode, ...]" = ("off", "run", "all")
MOST = 1 << 20  # bytes of the file
LONG = 600  # characters of it in a line


def _server(text: str) -> str:
    address(text)
    return text


def _folder(text: str) -> Path:
    if URL.match(text):
        raise ValueError(f"{visible(text)[:80]!r}: a folder is needed; `archive` keeps runs at a URL, too")
    return at_home(text)


def _dollars(value: str | float) -> float:
    with suppress(ValueError):
        if 0 <= (found := float(value)) < 1e6:
            return found
    raise ValueError(
        f"{value!r}: a number of dollars, 0 or more and below a million, is needed, such as 0.25"
    )


def _turns(value: str | float) -> int:
    with suppress(ValueError):
        if (found := float(value)) >= 1 and found == int(found):
            return int(found)
    raise ValueError(f"{value!r}: a whole number, at least 1, is needed, such as 12")


def _history(text: str) -> str:
    if text not in HISTORY:
        raise ValueError(f"{text!r}: {one_of(HISTORY, text)}")
    return text


def _kept(text: str) -> Storage:
    found = Storage(text)
    if found.scheme == "memory":
        raise ValueError(f"{visible(text)[:80]!r}: what is kept there is gone with the process; {FORM}")
    return found


USES: dict[str, Callable[[Any], Any]] = {
    "runs": _folder, "models": str, "budget": _dollars, "project_budget": _dollars, "turns": _turns, "history": _history,
    "memory": _server, "embedding": named, "ledger": Address, "checkpoints": Address, "archive": _kept,
}  # fmt: skip
NUMBERS = ("budget", "project_budget", "turns")
SECRET = ("ledger", "checkpoints")  # whose text may hold a password
OF_RUNS = ("models", "budget", "project_budget", "turns", "history")  # what a run is begun with
STORES = ("memory", "embedding", "ledger", "checkpoints")
VARIABLES = {name: f"BUDGETML_{name.upper()}" for name in USES}
Values = dict[str, str | int | float]


def shared_memory(runs_dir: Path) -> Place:
    """Return where the runs of a folder share their memory, and who embeds.

    Raises UsageError for a setting that is none, or that the person has not confirmed.
    """
    return _place(runs_dir, _confirmed(runs_dir))


def ledger(runs_dir: Path) -> Address | None:
    """Return the database of the money of a folder's runs; None where it stays in a file. Raises as `shared_memory` does."""
    found: Address | None = _confirmed(runs_dir)("ledger")
    return found


def checkpoints(runs_dir: Path) -> Address | None:
    """Return the database of their states; None where these stay in their folders. Raises as `shared_memory` does."""
    found: Address | None = _confirmed(runs_dir)("checkpoints")
    return found


def archive(runs_dir: Path) -> Storage | None:
    """Return where ended runs of a folder are kept, too; None where nowhere. Raises as `shared_memory` does."""
    found: Storage | None = _confirmed(runs_dir)("archive")
    return found


def of_runs(runs_dir: Path, *, trust: bool) -> dict[str, Any]:
    """Return what the runs of a folder are begun with where they are asked for nothing else: models, budget, turns, …

    Raises UsageError for a setting that is none, or that the person has not confirmed, now (`trust`) or before.
    """
    file = _Settings(runs_dir)
    if any(name in file.values for name in OF_RUNS):
        file.confirm(trust=trust)
    found = {name: value for name in OF_RUNS if (value := file(name)) is not None}
    models = "" if os.environ.get(VARIABLES["models"]) else str(found.get("models", ""))
    if models and models != EMBEDDED and not models.startswith(REPLAY):
        found["models"] = str(file.path.parent / at_home(models))
    return found


def of_bench(folder: Path) -> Path:
    """Return the runs' folder by whose settings a bench in `folder` goes: its own where it has some, else that of the project here."""
    own = folder / RUNS
    return own if _file(own).exists() else RUNS


def note_of_bench(folder: Path) -> None:
    """Have the runs of a bench, which begins in `folder`, obey the file by which it goes, whoever goes on with them from wherever."""
    file = _file(of_bench(folder))
    if file.exists() and file != _file(folder / RUNS):
        write_whole(folder / FROM, f"{file.resolve()}\n".encode())


def carried(runs_dir: Path) -> dict[str, str]:
    """Return, by their variables, the stores of a bench and the key of who embeds, for machines that see no file; runs are asked for the rest."""
    found = _confirmed(runs_dir)
    named = {VARIABLES[name]: str(found.values[name]) for name in STORES if name in found.values}
    key = embedding.key if (embedding := found("embedding")) else ""
    return {CARRIED: "1"} | named | ({key: said} if key and (said := os.environ.get(key)) else {})


def runs_folder() -> Path:
    """Return the runs' folder of a command that is given none. Raises UsageError for a setting that is none."""
    here = _Settings(RUNS)  # beside ./runs, so in the folder where one is
    folder: Path | None = here("runs")
    return RUNS if folder is None else folder


def memory_hosts(runs_dir: Path) -> list[str]:
    """Return the hosts, with their ports, that the runs of a folder send to what they learn; none where it stays beside them."""
    place = _place(runs_dir, _Settings(runs_dir))
    return [host for host in (urlsplit(place.server).netloc, place.embedding.host) if host]


def elsewhere(runs_dir: Path) -> list[Address | Storage]:
    """Return the stores of a folder's runs that are not on this machine: replies and states go there."""
    found = _Settings(runs_dir)
    named = (found(name) for name in ("ledger", "checkpoints", "archive"))
    return [address for address in named if address is not None and not address.local]


def confirm(runs_dir: Path, *, trust: bool) -> None:
    """Go on where the file asks for nothing, or for what the person confirms, now (`trust`) or before.

    Raises UsageError where it asks for something else, UnavailableError where the person's word cannot be kept.
    """
    _Settings(runs_dir).confirm(trust=trust)


def _confirmed(runs_dir: Path) -> "_Settings":
    found = _Settings(runs_dir)
    found.confirm(trust=False)
    return found


def _place(runs_dir: Path, found: "_Settings") -> Place:
    return Place(runs_dir / SHARED, found("memory") or "", found("embedding") or SHIPPED)


class _Settings:
    """The settings of a folder's runs: called with a name, what is set; None where nothing is."""

    def __init__(self, runs_dir: Path) -> None:
        carried = bool(os.environ.get(CARRIED))
        self.path = Path(CARRIED) if carried else _file(runs_dir)
        self.values: Values = {} if carried else _read(self.path)

    def __call__(self, name: str) -> Any:
        said = os.environ.get(VARIABLES[name])
        if said:
            return _used(name, said, f"${VARIABLES[name]}")
        return _used(name, self.values[name], str(self.path)) if name in self.values else None

    def confirm(self, *, trust: bool) -> None:
        asks = {name: f"{name} = {_shown(name, value)}" for name, value in self.values.items()}
        if asks.get("embedding") == f"embedding = {str(SHIPPED)!r}":
            del asks["embedding"]
        place, told = str(self.path.resolve()), ", ".join(asks.values())
        digest = hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()
        obeyed = [name for name in asks if not os.environ.get(VARIABLES[name])]
        if not obeyed or known(KIND).get(place) == digest:
            return
        if not trust:
            raise UsageError(
                f"{self.path}: asks for {visible(told)[:LONG]}, which says what runs may spend, and where what they learn and pay"
                " is sent: if you want that, add --trust, once, to `budgetml run`, `bench` or `memory stats` (trust=True);"
                " else take it out"
            )
        keep(KIND, place, digest)
        print(visible(f"budgetml: {self.path}: confirmed from now on: {told}"), file=sys.stderr)


def _file(runs_dir: Path) -> Path:
    """Return the file of a folder's runs: beside them, or where one is if that file names them."""
    here = Path.cwd() / NAME
    with suppress(UsageError):  # told where it is the file of these runs
        own = _read(here).get("runs")
        if own is not None and (here.parent / at_home(str(own))).resolve() == runs_dir.resolve():
            return here
    beside = runs_dir.absolute().parent / NAME
    note = beside.with_name(FROM)
    return beside if beside.exists() or not note.exists() else _noted(note)


def _noted(note: Path) -> Path:
    """Return the file that a bench's note names. Raises UsageError where it is not there: without it, money would have another ledger."""
    try:
        found = Path(read_plain(note, SMALL).decode("utf-8").removesuffix("\n"))
    except (OSError, ValueError):
        raise UsageError(f"{note}: cannot be read; it says which {NAME} these runs obey") from None
    if not (found.is_absolute() and found.name == NAME and found.is_file()):
        raise UsageError(
            f"{note}: these runs obey {visible(str(found))[:LONG]}, which is not there: put it back, or a {NAME} beside the note"
        )
    return found


def _shown(name: str, value: str | float) -> str:
    """Return a setting as it may be printed and kept: without its password."""
    if name not in SECRET:
        return repr(value)
    return repr(str(Address(str(value))))


def _used(name: str, value: str | float, where: str) -> Any:
    try:
        return USES[name](value)
    except ValueError as error:
        raise UsageError(f"{where}: {error}, or leave it out") from None


def _read(path: Path) -> Values:
    """Return what the file says, {} where there is none."""
    try:
        values = tomllib.loads(read_plain(path, MOST).decode("utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: no TOML ({' '.join(str(error).split())[:200]})") from None
    if others := sorted(values.keys() - USES.keys()):
        raise UsageError(f"{path}: {unknown('setting', others[0][:80], USES)}")
    found = {name: value for name, value in sorted(values.items()) if value != ""}
    for name, value in found.items():
        if name in NUMBERS and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise UsageError(f"{path}: {name}: a number is needed, such as {name} = 12")
        if name not in NUMBERS and not isinstance(value, str):
            raise UsageError(f'{path}: {name}: a text is needed, such as {name} = "..."')
        _used(name, value, f"{path}: {name}")
    return found
