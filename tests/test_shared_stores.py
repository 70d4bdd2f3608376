"""What `budgetml doctor` says of stores that machines share and that cannot be reached."""

import socket
import time

from budgetmlagent.settings import confirm
from budgetmlagent.upkeep.shared import of_settings


def test_each_store_that_is_away_is_one_line_within_seconds_and_tells_no_password(tmp_path, monkeypatch):
    monkeypatch.setenv("BUDGETML_CACHE", str(tmp_path / "person"))
    with socket.socket() as nobody:  # a port that is taken, and where nobody listens
        nobody.bind(("127.0.0.1", 0))
        at = f"127.0.0.1:{nobody.getsockname()[1]}"
        (tmp_path / "budgetml.toml").write_text(
            f'ledger = "postgresql://me:s3cret@{at}/money"\ncheckpoints = "postgresql://me:s3cret@{at}/money"\n'
            f'memory = "http://{at}"\narchive = "nosuch://bucket/x"\n'
        )
        confirm(tmp_path / "runs", trust=True)
        began = time.monotonic()
        rows = list(of_settings(tmp_path / "runs"))
    assert time.monotonic() - began < 30
    assert [(row["what"], row["ok"]) for row in rows] == [
        (name, False) for name in ("ledger", "checkpoints", "memory", "archive")
    ]
    for row in rows:
        assert row["detail"] == " ".join(row["detail"].split())
        assert "s3cret" not in row["detail"] and "doctor" not in row["detail"]
    for row, said in zip(
        rows,
        ("is it running", "is it running", "start it (chroma run)", "name one that fsspec knows"),
        strict=True,
    ):
        assert said in row["detail"]
