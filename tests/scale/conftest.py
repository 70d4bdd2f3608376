"""Servers that several of these tests start."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from servers import S3

from budgetmlagent.storage import Storage


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[S3]:
    """A server with an empty bucket, which the environment says."""
    server = S3()
    for name, value in {**server.environment, "BUDGETML_CACHE": str(tmp_path / "person")}.items():
        monkeypatch.setenv(name, value)
    server.start()
    with Storage("s3://bucket").opened() as (fs, _):
        fs.mkdir("bucket")
    yield server
    server.close()
