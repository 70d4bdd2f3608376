"""What strangers write commands no terminal: a run every text of which holds control codes, before every command."""

import contextlib
import io
import json
import re
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import tiny
from fault_server import FaultServer, Turn

from budgetmlagent import Session
from budgetmlagent.cli import call
from budgetmlagent.cli.console import Console
from budgetmlagent.foreign import visible

TITLE, CLIPBOARD = "\x1b]0;owned\x07", "\x1b]52;c;b3duZWQ=\x07"
EVIL = f"{TITLE}{CLIPBOARD}\x9b2J\x85\u202eabc\u2066\u2028\u200b\r"
COMMANDS = (
    "x", "\x00", "\x1b", "\x7f", "\x80", "\x9b", "\x9f", "\r", "\b", "\u200e", "\u202a", "\u202e", "\u2066", "\u2069",
    "\u2028", "\u2029", "\ufeff", "\U000e0041", "\ud800",
)  # fmt: skip
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
HOSTILE = tiny.STARTER + f"open({EVIL.replace('/', '')!r}, 'w').close()\nprint({EVIL!r})\n"


def team(body: dict[str, Any]) -> Turn:
    """The usual team, which first fails in the provider's words, and puts control codes wherever it can."""
    turn = tiny.team(body)
    if "response_format" in body:
        plan = json.loads(turn.text) | {"instruction": EVIL + " use the sign", "case": EVIL}
        turn.text = json.dumps(plan)
    elif "```" in turn.text:
        turn.text = turn.text.replace("Here", EVIL).replace("```python\n", f"```python\n{HOSTILE}\n")
    else:
        turn.text += EVIL
    turn.model = EVIL
    return turn


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with a task, a models.yaml and the one run that was made of them."""
    folder = tmp_path_factory.mktemp("hostile")
    with FaultServer([Turn(EVIL, fault="400")], respond=team) as server:
        models = tiny.models(folder, server.url)
        said = json.dumps(EVIL + "large")
        models.write_text(models.read_text().replace("large-14b", said).replace("small-7b", said))
        task = tiny.task(folder, starter=HOSTILE)
        file = task / "task.yaml"
        file.write_text(file.read_text().replace("name: share of right rows", f"name: {json.dumps(EVIL)}"))
        order = ["run", str(task), "--models", str(models), "--turns", "3", "--history", "run"]
        order += ["--graph", str(Path(__file__).with_name("asked_all.yaml"))]
        printed(folder, [*order, "--runs-dir", str(folder / "runs")])
    return folder


def printed(folder: Path, command: list[str]) -> str:
    """What a command writes on both streams, kept in a file for `test_no_command_...` of the run itself."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        call(command)
    with (folder / "printed.txt").open("a", encoding="utf-8", errors="surrogatepass", newline="") as file:
        file.write(out.getvalue())
    return out.getvalue()


def run_of(folder: Path) -> Path:
    return next(path.parent for path in (folder / "runs").glob("*/config.json"))


def tainted(value: Any) -> Any:
    """The value with control codes at the end of every text in it that no program goes by."""
    if isinstance(value, dict):
        return {key: tainted(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [tainted(inner) for inner in value]
    return value + EVIL if isinstance(value, str) else value


@pytest.fixture
def altered(hostile: Path, tmp_path: Path) -> Path:
    """The run again, with control codes in its projections, its ledger's texts, and what it was started with."""
    folder = Path(shutil.copytree(hostile, tmp_path / "copy"))
    run = run_of(folder)
    told = json.loads((run / "run.json").read_text())
    numbers = {key: told[key] for key in ("run_id", "status")}
    (run / "run.json").write_text(json.dumps(tainted(told) | numbers))
    config = json.loads((run / "config.json").read_text())
    config |= {"graph": EVIL, "hosts": [EVIL], "sandbox": EVIL}
    (run / "config.json").write_text(json.dumps(config))
    with contextlib.closing(sqlite3.connect(folder / "runs/ledger.sqlite")) as db, db:
        columns = [row[1] for row in db.execute("PRAGMA table_info(calls)") if row[2].upper() == "TEXT"]
        free = [
            name
            for name in columns
            if name in ("note", "served", "answered", "request", "node", "model", "price")
        ]
        assert {"note", "answered"} <= set(free) or {"note", "served"} <= set(free)
        for name in free:
            db.execute(f"UPDATE calls SET {name} = coalesce({name}, '') || ?", (EVIL,))
    return folder


def commands(folder: Path) -> list[list[str]]:
    """Every command that looks at a run, and calls that are refused in a line that quotes what was given."""
    run = run_of(folder).name
    steps = [str(number) for number in range(1, 12)]
    looks = [
        ["show", run], ["show", run, "--json"], ["show", run, "--files", str(folder / "restored")], ["why", run],
        *(["why", run, step] for step in steps), ["why", run, "--json"], ["cost", run], ["cost", run, "--csv"],
        ["cost", run, "--json"], ["cost"], *(["cost", "--by", by] for by in ("node", "model", "day")), ["list"],
        ["list", "--json"], ["doctor", run], ["export", run, "--out", str(folder / f"{run}.zip")], ["memory", "list"],
        ["graph", "draw", "--run", run], ["graph", "gate", "budgetml", run], ["resume", run, "--turns", "2"],
        ["clean", "--dry-run"],
    ]  # fmt: skip
    wrong = [
        ["show", EVIL], ["graph", "show", EVIL], ["graph", "lint", EVIL], ["run", EVIL], [EVIL], ["show", run, f"--{EVIL}"],
        ["cost", "--by", EVIL], ["memory", "show", EVIL], ["run", "digits", "--models", EVIL, "--dry-run"],
    ]  # fmt: skip
    return [[*command, "--runs-dir", str(folder / "runs")] for command in looks] + wrong


def test_the_run_is_hostile(hostile: Path) -> None:
    """A positive control: what the run holds does command terminals."""
    session = Session.open(run_of(hostile))
    told = json.dumps([dict(event) for event in session.timeline], ensure_ascii=False)
    assert "\\u001b]0;owned" in told and "\u202e" in told and "\x9b" in told
    assert any(TITLE in file["path"] for file in session.files()["files"])
    assert OBEYED.search(json.dumps(session.calls, ensure_ascii=False))


def test_no_command_prints_what_a_terminal_obeys(hostile: Path, altered: Path) -> None:
    assert not OBEYED.search((hostile / "printed.txt").read_text("utf-8").replace("\n", ""))
    told = 0
    for folder in (hostile, altered):
        shutil.rmtree(folder / "restored", ignore_errors=True)
        for command in commands(folder):
            text = printed(folder, command)
            found = OBEYED.search(text)
            assert not found, (command, text[max(0, found.start() - 60) : found.end() + 20])
            assert text.strip(), command
            told += "\\x1b]0;owned\\x07" in text
    assert told > 25


def test_json_says_exactly_what_was_said(hostile: Path) -> None:
    run = run_of(hostile)
    told = json.loads(printed(hostile, ["show", run.name, "--json", "--runs-dir", str(hostile / "runs")]))
    assert told["metric"] == EVIL


@pytest.mark.parametrize("code", COMMANDS)
def test_a_code_becomes_an_escape_that_can_be_read(code: str) -> None:
    shown = visible(f"a\n\t{code}z")
    assert shown.startswith("a\n\t") and shown.endswith("z") and shown.isascii()
    assert code == "x" or code not in shown


@pytest.mark.parametrize("text", ["größer → 1 ± 2", "می‌خواهم", "👩‍🔬", "数据", "tab\tand\nline"])
def test_text_stays_text(text: str) -> None:
    assert visible(text) == text


def test_a_terminal_gets_rich_own_codes_and_no_others() -> None:
    from rich.text import Text

    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=200)
    with console.status(Text(f"waiting {EVIL}")):
        console.print(Text(f"line {EVIL}", "bold"))
        console.print(EVIL, markup=False)
    assert "\x1b[1m" in out.getvalue()  # its own
    assert not any(
        code in out.getvalue() for code in (TITLE, CLIPBOARD, "\x9b", "\u202e", "\u2066", "\u2028")
    )


def test_a_run_says_nothing_to_a_terminal_in_python_either(hostile: Path) -> None:
    session = Session.open(run_of(hostile))
    out = io.StringIO()
    import rich.console

    rich.console.Console(file=out, width=120).print(session)
    assert not OBEYED.search(out.getvalue()) and not OBEYED.search(repr(session))
    assert "owned" in out.getvalue()
