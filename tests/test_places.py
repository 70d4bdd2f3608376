"""Places that are not as most are: other encodings, no home, a cache that cannot be written, a kernel that forbids."""

import codecs
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
import tiny
from host import box_in

from budgetmlagent import cache
from budgetmlagent.cli import call
from budgetmlagent.cli.console import Console
from budgetmlagent.disk import at_home
from budgetmlagent.errors import UnavailableError, UsageError
from budgetmlagent.foreign import guarded
from budgetmlagent.models.config import ModelSpec, load_models
from budgetmlagent.models.embedded.weights import pull
from budgetmlagent.models.envfile import read_env
from budgetmlagent.models.keys import api_key
from budgetmlagent.sandbox import names
from budgetmlagent.sandbox.cages.bare import UNSAFE
from budgetmlagent.sandbox.cages.bubblewrap import Bubblewrap
from budgetmlagent.sandbox.cages.cures import UNKNOWN, cure
from budgetmlagent.sandbox.cages.interpreter import interpreter
from budgetmlagent.sandbox.process.probe import probe, tried
from nodes.deps import Here

NOWHERE = "/proc/nobody"  # not even root can make it
TEXT = "größe ≥ 1 → ok"


@contextmanager
def terminal(encoding: str) -> Iterator[io.BytesIO]:
    """Standard output and standard error of an encoding; what was written to them."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, write_through=True)
    with redirect_stdout(stream), redirect_stderr(stream):
        yield raw
    stream.detach()


# Output


@pytest.mark.parametrize(
    ("encoding", "seen"),
    [("ascii", rb"gr\xf6\xdfe \u2265 1"), ("latin-1", b"gr\xf6\xdfe \\u2265 1"), ("cp1252", b"gr\xf6\xdfe \\u2265 1"),
     ("utf-8", "größe ≥ 1".encode())],
)  # fmt: skip
def test_what_a_terminal_cannot_encode_is_printed_as_escapes(encoding: str, seen: bytes) -> None:
    with terminal(encoding) as raw, guarded():
        print(TEXT)
        Console().print(TEXT)
        assert call(["run", TEXT]) == 2
    assert raw.getvalue().count(seen) == 3


def test_without_the_guard_it_is_a_traceback() -> None:
    with terminal("ascii"), pytest.raises(UnicodeEncodeError):
        print(TEXT)


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_stream_that_is_closed_gets_nothing(stream: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, stream, None)
    assert call(["run", TEXT]) == 2
    assert call(["models", "list"]) == 0


def test_a_script_may_print_whatever_the_callers_locale_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"LC_ALL": "C", "LANG": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}.items():
        monkeypatch.setenv(name, value)
    execution = box_in(tmp_path, probe(), {"train.csv": TEXT}).run(
        Here(), "print(open('train.csv').read(), open('train.csv').encoding)"
    )
    assert (execution.exit, execution.tail.lower()) == (0, f"{TEXT} utf-8\n")


# Files that a person writes


@pytest.mark.parametrize(
    "raw",
    [
        "OTHER=1\nSOME_KEY=abcd1234\n".encode("utf-16"), codecs.BOM_UTF16_BE + "SOME_KEY=abcd1234\n".encode("utf-16-be"),
        "SOME_KEY=abcd1234\r\n".encode("utf-32"), "SOME_KEY=abcd1234\n".encode("utf-8-sig"),
        "# größe\nSOME_KEY=abcd1234\n".encode("latin-1"), b"export SOME_KEY='abcd1234'\r\n", b'SOME_KEY = "abcd1234" # mine\r\n',
    ],
)  # fmt: skip
def test_a_key_is_read_from_env_in_any_encoding(
    raw: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(".env").write_bytes(raw)
    spec = ModelSpec(name="small", base_url="http://192.0.2.2/v1", model="m", key="SOME_KEY")
    assert api_key(spec) == "abcd1234"


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("A=1\nSOME_KEY=abcd\n".encode("utf-16-le"), r"/\.env:1: holds a NUL byte"),
        (b"A=1\nSOME_KEY=ab\0cd\n", r"/\.env:2: holds a NUL byte"),
        (codecs.BOM_UTF16_LE + b"A=1", r"/\.env:1: is no UTF-16 text"),
        ("SOME_KEY=größe".encode("latin-1"), "SOME_KEY holds more than a key"),
        (b"SOME_KEY", "the key is missing"),
    ],
)
def test_a_key_that_cannot_be_read_is_one_line(
    raw: bytes, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(".env").write_bytes(raw)
    spec = ModelSpec(name="small", base_url="http://192.0.2.2/v1", model="m", key="SOME_KEY")
    with pytest.raises(UsageError, match=words) as raised:
        api_key(spec)
    assert "\n" not in str(raised.value) and "abcd" not in str(raised.value)


def test_env_may_be_missing_and_must_be_a_file(tmp_path: Path) -> None:
    assert read_env(tmp_path / ".env") == {}
    (tmp_path / ".env").mkdir()
    with pytest.raises(UsageError, match=r"\.env: cannot be read: Is a directory"):
        read_env(tmp_path / ".env")


@pytest.mark.parametrize(
    "name", ["task.yaml", "text.md", "scoring/eval.py", "scoring/answers.csv", "env/train.py"]
)
@pytest.mark.parametrize(
    ("how", "line"),
    [
        (lambda text: text.encode("utf-16"), 1),
        (lambda text: text.encode("utf-16-le"), 1),
        (lambda text: text.encode() + "\n# größe".encode("latin-1"), 0),
        (lambda text: text.encode() + b"\0", 0),
    ],
)
def test_a_file_of_a_task_is_refused_by_its_line(
    name: str, how, line: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tiny.task(tmp_path)
    (folder / "text.md").write_text("Tell whether x is positive.")
    (folder / "task.yaml").write_text(
        (folder / "task.yaml").read_text().replace("text: Tell whether x is positive.", "text: text.md")
    )
    file = folder / name
    text = file.read_text()
    file.write_bytes(how(text))
    assert call(["run", str(folder), "--dry-run"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert f"{name}:{line or ''}" in said and said.endswith("save it as UTF-8\n")


@pytest.mark.parametrize("raw", ["models: {}".encode("utf-16"), "# größe".encode("latin-1"), b"models:\0"])
def test_models_and_graphs_are_refused_in_one_line(
    raw: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "some.yaml"
    file.write_bytes(raw)
    with pytest.raises(UsageError, match=r"some\.yaml"):
        load_models(file)
    assert call(["run", "digits", "--graph", str(file), "--dry-run"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "some.yaml" in said


# The cache


def test_a_cache_that_cannot_be_written_is_done_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUDGETML_CACHE", f"{NOWHERE}/cache")
    assert names.index(probe(), interpreter(None))["Counter"] == "collections"
    assert f"{NOWHERE}/cache cannot be written: " in cache.standing()


def test_weights_need_one_and_the_line_says_how(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BUDGETML_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", NOWHERE)
    with pytest.raises(UnavailableError, match=rf"{NOWHERE}/.* cannot be written: .*; set BUDGETML_CACHE to"):
        pull("qwen2.5-coder-0.5b-instruct")


@pytest.mark.parametrize("own", ["", "~nobody-of-this-name/cache"])
def test_where_there_is_no_home_the_variable_is_named(own: str) -> None:
    """A user of no name: only another process can become one."""
    if os.geteuid():
        pytest.skip("only root can become another user")
    code = (
        "import os, platformdirs.unix; from budgetmlagent import cache\n"
        "from budgetmlagent.errors import UnavailableError\nos.setuid(54321)\n"
        "try:\n    print(cache.cache())\nexcept UnavailableError as error:\n    print('refused:', error)"
    )
    env = {
        key: value
        for key, value in os.environ.items()
        if key not in ("HOME", "XDG_CACHE_HOME", "BUDGETML_CACHE")
    }
    env |= {"BUDGETML_CACHE": own, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    assert done.stdout.startswith("refused: no home folder is known here: set BUDGETML_CACHE"), done.stderr


def test_a_home_of_nobody_is_a_path_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert at_home("~nobody-of-this-name/task") == Path("~nobody-of-this-name/task")
    assert call(["run", "~nobody-of-this-name/task"]) == 2
    assert "no such task" in capsys.readouterr().err


def test_what_a_script_draws_with_keeps_nothing_outside_its_workspace(tmp_path: Path) -> None:
    script = "import os\nprint(os.environ['MPLCONFIGDIR'] == os.environ['HOME'] == os.getcwd())"
    assert box_in(tmp_path, UNSAFE).run(Here(), script).tail == "True\n"


# The kernel


def kernel(folder: Path, container: bool = False, **settings: str) -> Path:
    """The settings of another kernel."""
    for name, value in settings.items():
        file = folder / "proc/sys" / name.replace("__", "/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{value}\n")
    if container:
        (folder / ".dockerenv").touch()
    return folder


NO_PERMISSIONS = (
    "PATH: bwrap: No permissions to create new namespace, likely because the kernel does not allow "
    "non-privileged user namespaces."
)
ENOSPC = "PATH: bwrap: Creating new namespace failed: nesting depth or /proc/sys/user/max_*_namespaces exceeded (ENOSPC)"


@pytest.mark.parametrize(
    ("fault", "settings", "words"),
    [
        ("PATH: bwrap: setting up uid map: Permission denied", {}, "`sudo apt install apparmor-profiles`"),
        ("PATH: bwrap: loopback: Failed RTM_NEWADDR: Operation not permitted", {}, "apparmor_parser -r"),
        ("the wheel: bwrap: setting up uid map: Permission denied", {}, "`sudo apt install bubblewrap apparmor-profiles`"),
        (NO_PERMISSIONS, {"kernel__apparmor_restrict_unprivileged_userns": "1"}, "AppArmor restricts"),
        (NO_PERMISSIONS, {"kernel__unprivileged_userns_clone": "0"}, "`sudo sysctl kernel.unprivileged_userns_clone=1`"),
        (ENOSPC, {"user__max_user_namespaces": "0"}, "`sudo sysctl user.max_user_namespaces="),
        (NO_PERMISSIONS, {"container": True}, "--security-opt seccomp=unconfined"),
        ("PATH: bwrap: Can't mount proc on /newroot/proc: Operation not permitted", {"container": True}, "systempaths=unconfined"),
        ("PATH: bwrap: Failed to make / slave: Permission denied", {"container": True}, "--security-opt apparmor=unconfined"),
        (NO_PERMISSIONS, {"kernel__unprivileged_userns_clone": "1"}, UNKNOWN),
        ("PATH: it did not hold a read", {"container": True}, UNKNOWN),
    ],
)  # fmt: skip
def test_each_setting_that_forbids_has_its_cure(
    fault: str, settings: dict, words: str, tmp_path: Path
) -> None:
    assert words in cure(fault, kernel(tmp_path, **settings))


def test_apparmors_rule_is_recognised_by_the_probe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fake = tmp_path / "bwrap"
    fake.write_text("#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n")
    fake.chmod(0o755)
    assert tried(Bubblewrap(fake))[0] == "bwrap: setting up uid map: Permission denied"
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    call(["doctor", "--runs-dir", str(tmp_path)])
    passed = next(line for line in capsys.readouterr().out.splitlines() if "sandbox passed over" in line)
    assert "setting up uid map: Permission denied; AppArmor restricts user namespaces" in passed


def test_a_kernel_that_forbids_is_named_with_what_to_type(tmp_path: Path) -> None:
    inner = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"'
    code = "from budgetmlagent.sandbox.process.probe import probe\nprobe()"
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    command = ["unshare", "--user", "--map-root-user", "sh", "-c", inner, "sh", sys.executable, "-c", code]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if "unshare failed" in done.stderr or "cannot create" in done.stderr:
        pytest.skip("this machine makes no user namespaces")
    line = done.stderr.strip().rpartition("\n")[2]
    assert "user.max_user_namespaces is 0, which forbids user namespaces: `sudo sysctl" in line
    assert line.endswith("or run with --unsafe to do without")
