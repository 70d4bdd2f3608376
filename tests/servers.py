"""Servers that tests of shared stores start: Postgres of Debian's package, as a user without rights, an S3 server and Chroma of PyPI's."""

import atexit
import glob
import os
import random
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

import psycopg

PLACES = ("/usr/lib/postgresql/*/bin", "/usr/local/pgsql/bin", "/opt/homebrew/opt/postgresql*/bin")
NOBODY = 65534  # Postgres does not start as root
MISSING = "no Postgres server: install Debian's package `postgresql` (its programs are looked for in /usr/lib/postgresql and PATH)"
DURABLE = ("fsync=on", "synchronous_commit=on")
CONNECTIONS = 500  # each ledger of a process keeps its own, and all tests of one share a server
CHEAP = ("fsync=off", "full_page_writes=off")  # what no power cut is simulated for


def programs() -> Path:
    """Return the folder of Postgres' programs, the newest first. Raises SystemExit, with one line, where there are none."""
    found = sorted((path for place in PLACES for path in glob.glob(place)), key=_version)
    there = [Path(path) for path in found if (Path(path) / "initdb").exists()]
    if there:
        return there[-1]
    if on_path := shutil.which("initdb"):
        return Path(on_path).resolve().parent
    raise SystemExit(MISSING)


def _version(path: str) -> list[int]:
    return [int(part) for part in path.split("/") if part.isdigit()]


def free_port() -> int:
    """Return a port of this machine that nobody listens at, and that no connection which is made is given: it may be needed later."""
    while True:
        with socket.socket() as free, suppress(OSError):
            free.bind(("127.0.0.1", random.randrange(20_000, 32_000)))
            return int(free.getsockname()[1])


class Postgres:
    """A server with a password, at a port of its own; it can be stopped and started again."""

    def __init__(self, *options: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="budgetml-pg-"))
        self.port, self.password, self.options = free_port(), secrets.token_hex(8), options
        self.user = (
            ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
            if os.geteuid() == 0
            else []
        )
        word = self.folder / "word"
        word.write_text(self.password)
        self.folder.chmod(0o711)
        if self.user:
            os.chown(self.folder, NOBODY, NOBODY)
            os.chown(word, NOBODY, NOBODY)
        self._do(
            "initdb",
            "-D",
            self.data,
            "-U",
            "tester",
            "--pwfile",
            word,
            "-A",
            "scram-sha-256",
            "-E",
            "UTF8",
            "--locale=C",
            "-N",
        )
        self.start()

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def _do(self, program: str, *arguments: object, check: bool = True) -> None:
        command = [*self.user, str(programs() / program), *map(str, arguments)]
        done = subprocess.run(
            command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd="/", text=True
        )
        if check and done.returncode:
            raise RuntimeError(f"{program}: {done.stdout[-600:]}")

    def start(self) -> None:
        """Start the server and wait until it takes connections."""
        said = " ".join(f"-c {option}" for option in self.options or CHEAP)
        options = f"-p {self.port} -c max_connections={CONNECTIONS} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' {said}"
        self._do("pg_ctl", "-D", self.data, "-w", "-l", self.folder / "log", "-o", options, "start")

    def stop(self, how: str = "fast") -> None:
        """Stop it: `fast` breaks all connections, `immediate` is as a power cut is."""
        self._do("pg_ctl", "-D", self.data, "-w", "-m", how, "stop")

    def url(self, database: str) -> str:
        return f"postgresql://tester:{self.password}@127.0.0.1:{self.port}/{database}"

    def database(self, encoding: str = "UTF8") -> str:
        """Make a database and return its URL."""
        name = f"b{secrets.token_hex(6)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as db:
            db.execute(f"CREATE DATABASE {name} ENCODING '{encoding}' TEMPLATE template0 STRATEGY wal_log")
        return self.url(name)

    def close(self) -> None:
        """Stop it and remove its folder."""
        self._do("pg_ctl", "-D", self.data, "-m", "immediate", "stop", check=False)
        shutil.rmtree(self.folder, ignore_errors=True)


@cache
def postgres(*options: str) -> Postgres:
    """Return the server that all tests of this process share which want it so."""
    server = Postgres(*options)
    atexit.register(server.close)
    return server


PLACE = "s3://bucket/of/runs"  # where tests keep runs in it


def _serving(command: Sequence[str | Path], port: int, otherwise: str) -> "subprocess.Popen[bytes]":
    """Start a server and wait until it answers at its port. Raises RuntimeError with `otherwise` where it ends before."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return process
        time.sleep(0.05)
    raise RuntimeError(otherwise)


class S3:
    """A server of buckets that are gone when it ends, at a port of its own; it need not be started at once."""

    def __init__(self) -> None:
        self.port, self.process = free_port(), None

    @property
    def environment(self) -> dict[str, str]:
        """What says to a client where the server is, with a key, whose secret nobody else has."""
        return {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}", "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "tester", "AWS_SECRET_ACCESS_KEY": f"s3cret{self.port}",
        }  # fmt: skip

    def start(self) -> None:
        """Start the server and wait until it answers."""
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        self.process = _serving(
            command, self.port, "moto's server does not start: is `moto[server]` installed?"
        )

    def close(self) -> None:
        """End it, with all that it keeps."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()


class Chroma:
    """A memory at a port of its own, whose folder outlives the server."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the server and wait until it answers."""
        program = Path(sys.executable).parent / "chroma"
        command = [program, "run", "--path", self.folder, "--host", "127.0.0.1", "--port", str(self.port)]
        self.process = _serving(command, self.port, "chroma does not start")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


if __name__ == "__main__":
    print(f"Postgres: {programs()}")
