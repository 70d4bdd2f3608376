"""What a person types at the terminal: help says it whole, and what is no name is answered with the nearest one."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from test_recordings import replay

from budgetmlagent.cli import call
from budgetmlagent.cli.app import app
from memory.merge import SHARED
from memory.store import Store

RECORDING = Path(__file__).parent / "recordings" / "digits"
FAMILIES = ("", "graph", "models", "memory", "new")


def commands() -> Iterator[tuple[str, Any]]:
    """Every command by what is typed, the families too."""
    top: Any = typer.main.get_command(app)
    yield "", top
    for name, command in top.commands.items():
        yield name, command
        yield from ((f"{name} {inner}", one) for inner, one in getattr(command, "commands", {}).items())


@pytest.mark.parametrize("family", FAMILIES)
def test_without_a_command_the_help_is_shown(capsys: pytest.CaptureFixture[str], family: str) -> None:
    assert call(family.split()) == 0
    told = capsys.readouterr()
    call([*family.split(), "--help"])
    assert told == capsys.readouterr() and not told.err
    assert told.out.startswith("Usage: budgetml ") and "\nCommands:\n" in told.out


@pytest.mark.parametrize("family", FAMILIES)
def test_no_summary_of_a_command_is_cut(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, family: str
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    call([*family.split(), "--help"])
    listed = capsys.readouterr().out.partition("Commands:\n")[2].splitlines()
    assert listed and all(line.endswith(".") and not line.endswith("...") for line in listed), listed


def test_every_part_of_a_command_says_what_it_is_for() -> None:
    parts = [(f"{name} {part.name}", part.help) for name, command in commands() for part in command.params]
    assert len(parts) > 150 and not [name for name, told in parts if not told]


def test_no_usage_doubles_its_brackets(capsys: pytest.CaptureFixture[str]) -> None:
    for name, _ in commands():
        call([*name.split(), "--help"])
        assert "[[" not in capsys.readouterr().out


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a table, a run of two steps, and a memory of it."""
    place = tmp_path_factory.mktemp("place")
    (place / "t.csv").write_text("x,y\n" + "".join(f"{n},{n % 7}\n" for n in range(60)))
    session = replay(RECORDING, place / "runs")
    session.run(until="evaluator")
    with Store(place / "runs" / SHARED) as store:
        store.upsert([{"kind": "attempt", "task": "digits", "run": "digits-1", "step": 1, "text": "a tree"}])
    return place


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("list --status stoped", "--status stoped: one of finished, stopped, failed, underway is needed (did you mean 'stopped'?)"),
        ("list --since yesterday", "--since yesterday: a date is needed, such as 2026-01-31"),
        ("list --task digts", "unknown task 'digts' (did you mean 'digits'?)"),
        ("cost --by modl", "--by modl: one of node, model, day, run is needed (did you mean 'model'?)"),
        ("memory list --kind atempt", "repair, idea, card, offer is needed (did you mean 'attempt'?)"),
        ("memory list --task digts", "--task digts: unknown task 'digts' (did you mean 'digits'?)"),
        ("memory forget --task digts", "--task digts: unknown task 'digts' (did you mean 'digits'?)"),
        ("memory forget --run digits-2", "--run digits-2: unknown run 'digits-2' (did you mean 'digits-1'?)"),
        ("memory search x --data schem", "one of stays, schema, samples is needed (did you mean 'schema'?)"),
        ("run digits --history al --dry-run", "--history al: one of off, run, all is needed (did you mean 'all'?)"),
        ("run digits --aim bst --dry-run", "--aim bst: one of success, best is needed (did you mean 'best'?)"),
        ("run digits --approve exprt --dry-run", "one of expert, up, all is needed (did you mean 'expert'?)"),
        ("run digits --direction mx --dry-run", "--direction mx: one of max, min is needed (did you mean 'max'?)"),
        ("new task --data t.csv --target y --kind regresion", "is needed (did you mean 'regression'?)"),
        ("new task --data t.csv --target y --metric rmze", "--metric rmze: unknown; did you mean 'rmse'?"),
        ("new graph g --from papr", "unknown graph 'papr' (did you mean 'paper'?)"),
        ("models new opneai", "unknown provider 'opneai' (did you mean 'openai'?)"),
        ("bench --suite mle-bnch --root .", "mlagentbench, mle-bench is needed (did you mean 'mle-bench'?)"),
        ("bench --tasks digts", "digts: no such task; did you mean 'digits'?"),
        ("graph shwo budgetml", "'shwo'. Did you mean 'show'?"),
        ("why digits one", "STEP: a whole number is needed"),
        ("why digits 99", "has no step 99; its steps are 1 to 2"),
        ("diff digits digits-1999", "unknown run 'digits-1999' in runs: did you mean digits-"),
        ("list --taks x", "No such option: --taks"),
    ],
)  # fmt: skip
def test_what_is_no_name_is_answered_with_the_nearest(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, typed: str, words: str
) -> None:
    monkeypatch.chdir(place)
    assert call(typed.split()) == 2
    told = capsys.readouterr()
    assert words in told.err and told.err.count("\n") == 1 and not told.out
