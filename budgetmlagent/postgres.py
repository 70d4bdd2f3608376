"""A Postgres database that several machines share: its address, whose password nothing shows, its connection, its faults.

What uses it is tried again where the way to the server is lost, for as long as a restart takes.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from budgetmlagent.errors import UnavailableError
from memory.embedding import is_local

if TYPE_CHECKING:
    import psycopg

T = TypeVar("T")
OLDEST = 13  # earlier ones get no mends from their makers any more
PATIENCE = 60.0  # seconds that a server which was there may be away
PAUSE, LONGEST_PAUSE = 0.1, 2.0  # seconds before the first try again and before each later one
FORM = "give it as postgresql://USER:PASSWORD@HOST:PORT/DATABASE, with %40 for @ and %2F for / in a password"
HOSTS = re.compile(r"(\[[0-9a-fA-F:.]+\]|[\w.%-]*)(:\d{1,5})?(,(\[[0-9a-fA-F:.]+\]|[\w.%-]*)(:\d{1,5})?)*")
NAME = re.compile(r"/[^/@]+")
BAD_ESCAPE = re.compile(r"%(?![0-9a-fA-F]{2})")
SECRET = ("password", "sslpassword")  # parameters that are not shown
# A machine that is gone is noticed in half a minute, at either end: what it held, others wait for.
ALIVE: dict[str, Any] = {
    "connect_timeout": 10, "keepalives": 1, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 4,
    "tcp_user_timeout": 30_000, "application_name": "budgetml",
}  # fmt: skip
SETTINGS = {"idle_in_transaction_session_timeout": "30s", "lock_timeout": "60s", "tcp_keepalives_idle": "10"}
INSTALL = "what speaks with Postgres is missing: pip install 'budgetmlagent[postgres]'"
# What to do, by the beginning of SQLSTATE or by libpq's own words where there is none.
CURES = {
    "28": "check its user and password (or PGPASSWORD, ~/.pgpass), and pg_hba.conf at the server",
    "3D000": "make the database (createdb), or name another",
    "42501": "let its user make tables: GRANT CREATE ON DATABASE … and ON SCHEMA public TO …",
    "25006": "it takes no writing now (a standby?): name the one that does",
    "53": "make room at the server: disk, memory or max_connections",
    "55P03": "somebody holds it for long: look at pg_stat_activity at the server",
    "57014": "raise its statement_timeout",
    "authentication failed": "check its user and password (or PGPASSWORD, ~/.pgpass)",
    "no password supplied": "give a password, in PGPASSWORD or ~/.pgpass",
    "pg_hba.conf": "let this machine in: pg_hba.conf at the server",
    "does not exist": "make the database (createdb) and the user (createuser), or name others",
    "too many": "raise max_connections at the server",
}
REACH = "is it running, and can it be reached from this machine? `budgetml doctor` looks"


@dataclass(frozen=True)
class Address:
    """Where a database is. As text it is what may be shown of it; `url` alone has the password."""

    url: str = field(repr=False)

    def __post_init__(self) -> None:
        """Raise ValueError, which quotes nothing, for what is no address."""
        try:
            parts = urlsplit(self.url)
            whole = bool(parse_qsl(parts.query, strict_parsing=True)) if parts.query else True
        except ValueError:  # in its words the password may stand
            whole = False
        if (
            not whole
            or parts.scheme not in ("postgresql", "postgres")
            or not HOSTS.fullmatch(parts.netloc.rpartition("@")[2])
            or not NAME.fullmatch(parts.path)
            or parts.fragment
            or BAD_ESCAPE.search(self.url)
            or any(ord(letter) < 33 for letter in self.url)
        ):
            raise ValueError(f"this is no address of a Postgres database: {FORM}")

    def __str__(self) -> str:
        """Return it without its password."""
        parts = urlsplit(self.url)
        user, _, hosts = parts.netloc.rpartition("@")
        query = urlencode([(key, value) for key, value in parse_qsl(parts.query) if key not in SECRET])
        name = user.partition(":")[0]
        return f"postgresql://{name}{'@' if name else ''}{hosts}{parts.path}{'?' if query else ''}{query}"

    @property
    def hosts(self) -> list[str]:
        """The hosts that are asked, with their ports; a socket of this machine is a path, and no host is one, too."""
        parts = urlsplit(self.url)
        named = [value for key, value in parse_qsl(parts.query) if key in ("host", "hostaddr")]
        return [
            host for text in (parts.netloc.rpartition("@")[2], *named) for host in text.split(",") if host
        ]

    @property
    def local(self) -> bool:
        """Whether what is sent there stays on this machine."""
        return all(
            host.startswith("/") or is_local(urlsplit(f"//{host}").hostname or "localhost")
            for host in self.hosts
        )

    def clean(self, text: str) -> str:
        """Return a line that somebody says of this database, without its password."""
        parts = urlsplit(self.url)
        written = parts.netloc.rpartition("@")[0].partition(":")[2]
        secrets = {written, unquote(written), *(v for k, v in parse_qsl(parts.query) if k in SECRET)}
        for secret in filter(None, secrets):
            text = text.replace(secret, "…")
        return " ".join(text.split())


class LostError(Exception):
    """The connection is gone, and nothing of what was being done has happened."""


def connect(address: Address, what: str) -> "psycopg.Connection[Any]":
    """Return a connection whose statements are each a transaction, and whose rows are dictionaries.

    `what` lies there, in words. Raises LostError where the server does not answer, and UnavailableError where it refuses.
    """
    try:
        import psycopg
        from psycopg.rows import dict_row
    except ImportError:
        raise UnavailableError(f"{what} {address}: {INSTALL}") from None
    db = None
    try:
        db = psycopg.connect(address.url, autocommit=True, row_factory=dict_row, **ALIVE)
        for name, value in SETTINGS.items():
            db.execute("SELECT set_config(%s, %s, false)", (name, value))
        # What is committed outlives a power cut, whatever the server's own setting.
        db.execute(
            "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
        )
    except psycopg.Error as error:
        if db is not None:
            db.close()
        told = fault(what, address, error)
        if told.endswith(REACH):  # nobody answers, or says that it is starting
            raise LostError(told) from error
        raise UnavailableError(told) from error
    return db


def fault(what: str, address: Address, error: Exception) -> str:
    """Say in one line what is wrong with what lies there, and what to do."""
    state, said = str(getattr(error, "sqlstate", None) or ""), address.clean(str(error))
    known = (do for key, do in CURES.items() if (state.startswith(key) if key[0].isdigit() else key in said))
    cure = next(known, REACH)
    return f"{what} {address}: {said[:200] or type(error).__name__}; {cure}"


def patiently(work: Callable[[], T], patience: float = PATIENCE) -> T:
    """Do `work` again and again while it raises LostError. Raises UnavailableError after `patience` seconds."""
    until, pause = time.monotonic() + patience, PAUSE
    while True:
        try:
            return work()
        except LostError as error:
            if time.monotonic() + pause > until:
                raise UnavailableError(str(error)) from error
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
