"""Whether the stores that machines share can be used from here: reached, new enough, and with the rights that are needed.

Nothing is made there, but for a file in an archive that is removed again.
"""

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from budgetmlagent import postgres, settings
from budgetmlagent.errors import BudgetMLError
from budgetmlagent.postgres import OLDEST, Address, LostError
from budgetmlagent.records.packed import UNSENT
from budgetmlagent.upkeep.rows import Row, row
from budgetmlagent.wording import counted
from memory.items import StoreError

if TYPE_CHECKING:
    import psycopg

# Where the tables of a store lie, one of them, and how it is allowed to make them.
STORES = {
    "ledger": ("budgetml", "calls", "GRANT CREATE ON DATABASE {database} TO {user}"),
    "checkpoints": ("public", "checkpoints", "GRANT CREATE ON SCHEMA public TO {user}"),
}
PROBE = b"of budgetml doctor"
HERE = " `budgetml doctor` looks"  # how others end what they say of a store that cannot be reached
ABOUT = """
SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int / 10000 AS major,
    current_setting('server_encoding') AS encoding, current_database() AS database, current_user AS user,
    pg_is_in_recovery() AS standby, inet_server_addr() IS NULL OR inet_server_addr() << '127.0.0.0/8' AS here,
    coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false) AS encrypted,
    EXISTS (SELECT 1 FROM pg_catalog.pg_tables WHERE schemaname = %(schema)s AND tablename = %(table)s) AS made,
    CASE WHEN %(schema)s = 'public' THEN has_schema_privilege('public', 'CREATE')
         ELSE has_database_privilege(current_database(), 'CREATE') END AS may_make
"""
MAY = """
SELECT privilege FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS privilege
WHERE NOT (has_schema_privilege(%(schema)s, 'USAGE') AND has_table_privilege(%(schema)s || '.' || %(table)s, privilege))
"""


def of_settings(runs_dir: Path) -> Iterator[Row]:
    """Yield a row for each store that the project's settings name, or for what is wrong with them."""
    try:
        settings.confirm(runs_dir, trust=False)
    except BudgetMLError as error:
        yield row("settings", False, str(error))
        return
    for name, look in (("ledger", settings.ledger), ("checkpoints", settings.checkpoints)):
        yield from _told(name, lambda look=look, name=name: _database(name, look(runs_dir)))  # type: ignore[misc]
    yield from _told("memory", lambda: _memory(runs_dir))
    yield from _told("archive", lambda: _archive(runs_dir))


def of_ledger(address: Address) -> Row:
    """Return the row of a ledger that is a database."""
    return next(_told("ledger", lambda: _database("ledger", address)))


def of_states(address: Address) -> Row:
    """Return the row of checkpoints that are in a database."""
    return next(_told("checkpoints", lambda: _database("checkpoints", address)))


def _told(name: str, look: Callable[[], str]) -> Iterator[Row]:
    try:
        if said := look():
            yield row(name, True, said)
    except (BudgetMLError, LostError, StoreError) as error:
        yield row(name, False, str(error).removesuffix(HERE))


def _memory(runs_dir: Path) -> str:
    from memory.server import Server

    place = settings.shared_memory(runs_dir)
    if not place.server:
        return ""
    Server(place.server, place.embedding).reach()
    return f"{place.server}: it answers"


def _archive(runs_dir: Path) -> str:
    """Say that a file can be written, read and removed there, and which runs are not there yet."""
    storage = settings.archive(runs_dir)
    if storage is None:
        return ""
    with storage.opened() as (fs, top):
        probe = f"{top}/.probe-{secrets.token_hex(4)}"
        fs.pipe_file(probe, PROBE)
        if fs.cat_file(probe) != PROBE:
            raise BudgetMLError(f"archive {storage}: what is written there is read otherwise")
        fs.rm_file(probe)
    waiting = sum(1 for _ in runs_dir.glob(f"*/{UNSENT}"))
    rest = (
        f"; {counted(waiting, 'run')} not there yet: `budgetml resume` of one sends them all"
        if waiting
        else ""
    )
    return f"{storage}: it can be written{rest}"


def _database(name: str, address: Address | None) -> str:
    """Say how a database stands; "" where none is named. Raises UnavailableError or LostError where it cannot be used."""
    if address is None:
        return ""
    schema, table, grant = STORES[name]
    names = {"schema": schema, "table": table}
    with postgres.connect(address, name) as db:
        about = _row(db, ABOUT, names)
        missing = [found["privilege"] for found in db.execute(MAY, names)] if about["made"] else []
    if wrong := _wrong(about, missing, schema, grant):
        raise BudgetMLError(f"{name} {address}: {wrong}")
    tables = "its tables are there" if about["made"] else "its tables are made when they are first needed"
    open_to_all = (
        ""
        if about["encrypted"] or about["here"]
        else "; the way there is NOT ENCRYPTED: add ?sslmode=require"
    )
    return f"{address}: Postgres {about['version']}, {tables}{open_to_all}"


def _wrong(about: dict[str, Any], missing: list[str], schema: str, grant: str) -> str:
    if about["major"] < OLDEST:
        return f"Postgres {about['version']} is too old: {OLDEST} or newer is needed"
    if about["encoding"] != "UTF8":
        return f"its encoding is {about['encoding']}: make a database with createdb --encoding UTF8 --template template0"
    if about["standby"]:
        return "it is a standby, which takes no writing: name the server that does"
    if not about["made"] and not about["may_make"]:
        return f"user {about['user']} may make no tables: {grant.format(**about)}"
    if missing:
        return (
            f"user {about['user']} may not {', '.join(missing)} in its tables: GRANT USAGE ON SCHEMA {schema} and GRANT"
            f" {', '.join(missing)} ON ALL TABLES IN SCHEMA {schema} TO {about['user']}"
        )
    return ""


def _row(db: "psycopg.Connection[Any]", sql: str, names: dict[str, str]) -> dict[str, Any]:
    found = db.execute(sql.encode(), names).fetchone()
    assert found is not None, "a SELECT without FROM has one row"
    return dict(found)
