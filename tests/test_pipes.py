"""What is printed reaches whoever reads it: colours a terminal alone, and a reader that goes away is no error."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from terminals import at_a_terminal

RECORDING = Path(__file__).parent / "recordings" / "digits"
REPLAY = ("run", "digits", "--models", f"replay:{RECORDING}")
COLOUR = re.compile(r"\x1b\[[0-9;]*3[0-9][;m]")
Piped = tuple[Path, "subprocess.CompletedProcess[str]"]


def piped(after: str, *command: str, buffered: bool) -> "subprocess.CompletedProcess[str]":
    """A command as the first of a pipe or before a file; the status is its own."""
    script = f"set -o pipefail; {sys.executable} -m budgetmlagent {' '.join(command)} {after}"
    here = os.environ | {"PYTHONUNBUFFERED": "" if buffered else "1"}
    return subprocess.run(["bash", "-c", script], env=here, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def piped_run(tmp_path_factory: pytest.TempPathFactory) -> Piped:
    """A runs folder with one whole run, and what it said before a pipe."""
    runs = tmp_path_factory.mktemp("runs")
    return runs, piped("2>&1 | cat", *REPLAY, "--runs-dir", str(runs), buffered=True)


@pytest.mark.parametrize("buffered", [True, False])
@pytest.mark.parametrize("command", ["--help", "graph", "models list", "graph show budgetml"])
def test_a_reader_that_goes_away_is_no_error(tmp_path: Path, command: str, buffered: bool) -> None:
    done = piped("| true", *command.split(), buffered=buffered)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("buffered", [True, False])
def test_a_full_disk_is_one_line(buffered: bool) -> None:
    done = piped("> /dev/full", "graph", "show", "budgetml", buffered=buffered)
    assert done.returncode == 3 and done.stderr.startswith("budgetml: No space left on device")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("buffered", [True, False])
def test_a_run_that_nobody_follows_any_more_stops_and_can_be_gone_on_with(
    tmp_path: Path, buffered: bool
) -> None:
    done = piped("2>&1 | head -1", *REPLAY, "--runs-dir", str(tmp_path), buffered=buffered)
    assert done.returncode == 130 and done.stdout.startswith("run digits-") and not done.stderr
    (summary,) = tmp_path.glob("*/run.json")
    assert json.loads(summary.read_text())["status"] == "stopped"


@pytest.mark.parametrize("columns", [80, 160])
def test_a_terminal_has_colours_and_lines_that_fit(tmp_path: Path, columns: int) -> None:
    status, told = at_a_terminal(columns, *REPLAY, "--runs-dir", str(tmp_path))
    assert status == 0 and COLOUR.search(told)
    lines = [re.sub(r"\x1b\[[?0-9;]*[A-Za-z]", "", line.rpartition("\r")[2]) for line in told.splitlines()]
    turns = [line for line in lines if re.match(r" *0:\d\d +[0-8]/8 ", line)]
    whole = [line for line in lines if str(tmp_path) not in line]  # a path has no place to be broken at
    assert len(turns) == 9 and max(map(len, whole)) <= columns
    assert all(("best" in line) == (columns == 160) for line in turns)


def test_without_colours_where_none_are_wanted(tmp_path: Path, piped_run: Piped) -> None:
    _, told = at_a_terminal(80, *REPLAY, "--runs-dir", str(tmp_path), NO_COLOR="1")
    assert "8/8" in told and not COLOUR.search(told)
    _, done = piped_run
    assert done.returncode == 0 and "8/8" in done.stdout and "\x1b" not in done.stdout


@pytest.mark.parametrize("command", ["show", "why", "why {} 27", "cost", "diff {} {}", "doctor"])
def test_what_a_terminal_shows_of_a_run_is_not_broken_within_a_word(piped_run: Piped, command: str) -> None:
    followed, _ = piped_run
    run = next(followed.glob("*/run.json")).parent.name
    words = command.replace("{}", run).split() if "{}" in command else [command, run]
    told = {width: at_a_terminal(width, *words, "--runs-dir", str(followed)) for width in (80, 1000)}
    assert told[80][0] == told[1000][0] == 0
    long = [line for line in told[80][1].splitlines() if len(line) > 80 and str(followed) not in line]
    assert not long and "\x1b" not in told[80][1]
    whole = set(told[1000][1].split())
    assert {word for word in told[80][1].split() if "…" not in word} <= whole
