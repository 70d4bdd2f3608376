"""Where runs are kept for all machines: a folder, or whatever fsspec reaches by a URL, such as s3://BUCKET/PREFIX.

No key stands in the URL: each library of fsspec reads its own from the environment or the person's files.
"""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from budgetmlagent.disk import at_home, remedy
from budgetmlagent.errors import UnavailableError, one_line

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

URL = re.compile(r"[a-z][a-z0-9+.-]*://")
HERE = ("", "file", "local", "memory")  # what stays on this machine
FORM = "give a folder's whole path, or a URL such as s3://BUCKET/PREFIX, without a password, ?, # or ::"
# Who has to wait for a storage that is not there is a run that has ended: a minute at most.
OPTIONS: dict[str, dict[str, Any]] = {
    **{scheme: {"auto_mkdir": True} for scheme in ("", "file", "local")},
    "s3": {"config_kwargs": {"connect_timeout": 5, "read_timeout": 20, "retries": {"max_attempts": 2}}},
}  # fmt: skip
INSTALL = {"s3": "pip install 'budgetmlagent[s3]'"}
# What libraries raise that is no error of Python's own, by the modules that they are in once they are used.
FAULTS = {
    "botocore.exceptions": ("BotoCoreError", "ClientError"),
    "google.auth.exceptions": ("GoogleAuthError",),
    "azure.core.exceptions": ("AzureError",),
    "paramiko.ssh_exception": ("SSHException",),
    "gcsfs.retry": ("HttpError",),
    "aiohttp": ("ClientError",),
}
CURES = {
    "credentials": "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or ~/.aws/credentials",
    "accessdenied": "give this key the right to list, read and write there",
    "forbidden": "check the key, and that it may list, read and write there",
    "invalidaccesskeyid": "check AWS_ACCESS_KEY_ID",
    "signature": "check AWS_SECRET_ACCESS_KEY",
    "bucket does not exist": "make the bucket, or name another",
    "nosuchbucket": "make the bucket, or name another",
    "key does not exist": "put it back from a copy",
    "not known": "name one that fsspec knows: file, s3, gs, abfs, sftp, …",
}
REACH = "can it be reached from this machine, and written? `budgetml doctor` looks"


class StorageError(UnavailableError):
    """What a storage, or the way to it, has at fault, whatever is asked of it."""


@dataclass(frozen=True)
class Storage:
    """A folder, here or behind a URL. As text it is what the person gave."""

    url: str

    def __post_init__(self) -> None:
        """Raise ValueError, which quotes nothing, for what is no such place."""
        try:
            parts = urlsplit(self.url) if URL.match(self.url) else None
            secret = parts is not None and bool(parts.password or parts.query or parts.fragment)
        except ValueError:  # in its words a password may stand
            secret = True
        whole = bool(self.scheme) or at_home(self.url).is_absolute()
        if not (whole and self.url.strip("/") and self.url.isprintable()) or "::" in self.url or secret:
            raise ValueError(f"this is no place for runs: {FORM}")

    def __str__(self) -> str:
        """Return it as it was given."""
        return self.url

    @property
    def scheme(self) -> str:
        """The protocol; "" of a folder."""
        return found[0][:-3] if (found := URL.match(self.url)) else ""

    @property
    def local(self) -> bool:
        """Whether what is kept there stays on this machine, or on what it has mounted."""
        return self.scheme in HERE

    @property
    def hosts(self) -> list[str]:
        """Who is sent to, in words."""
        return [] if self.local else [f"{self.scheme}://{urlsplit(self.url).netloc.rpartition('@')[2]}"]

    @contextmanager
    def opened(self) -> Iterator[tuple["AbstractFileSystem", str]]:
        """Yield the file system and the folder's path in it. Every fault is one StorageError."""
        try:
            from fsspec.core import url_to_fs

            place = self.url if self.scheme else str(at_home(self.url).absolute())
            options = OPTIONS.get(self.scheme, {})
            fs, path = url_to_fs(place, skip_instance_cache=True, use_listings_cache=False, **options)
            if self.scheme == "s3":
                fs.retries = 1  # s3fs tries again on top of what it is built on
            yield fs, path.rstrip("/")
        except ImportError as error:
            needed = INSTALL.get(
                self.scheme, f"pip install fsspec and what it needs for {self.scheme or 'files'}"
            )
            raise StorageError(f"archive {self}: {one_line(str(error))[:160]}; {needed}") from None
        except _faults() as error:
            raise StorageError(f"archive {self}: {_told(error)}") from error


def _faults() -> tuple[type[Exception], ...]:
    """Return what Python, and the libraries that are loaded, may raise."""
    found = ((sys.modules.get(module), names) for module, names in FAULTS.items())
    theirs = (getattr(module, name) for module, names in found if module for name in names)
    return (OSError, ValueError, RuntimeError, LookupError, *theirs)


def _told(error: Exception) -> str:
    """Say what is wrong in one line, and what to do."""
    said = one_line(str(error))[:200] or type(error).__name__
    plain = f"{type(error).__name__} {said}".lower()
    cure = remedy(error) if getattr(error, "filename", None) else REACH
    return f"{said}; {next((do for key, do in CURES.items() if key in plain), cure)}"
