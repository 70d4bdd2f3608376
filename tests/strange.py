"""Every file format that is read from a stranger, made wrong thousands of times, before every command that reads it.

    python tests/strange.py [--examples 3000] [--only FORMAT] [--first SEED] > tests/benchmarks/strange.txt

A command ends with a documented status and at most one line, runs no code, reads and writes nothing elsewhere, and ends.
"""

import argparse
import contextlib
import hashlib
import io
import json
import os
import select
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import IO, Any

import mutated
import tiny
import watched
from recorded import GRAPH, MODELS, RECORDING

from budgetmlagent import Session
from budgetmlagent.cache import VARIABLE
from budgetmlagent.cli import call
from graphs.spec import SHIPPED, shipped
from memory.merge import unmark
from memory.store import Store

Commands = list[list[str]]
ENDS_WITH_US = ["setpriv", "--pdeathsig", "KILL"]  # whatever ends this process, a SIGKILL included
PATIENCE = 90.0  # seconds until a process that says nothing is killed; the first example loads the libraries
SPEC = """\
models:
  small: {base_url: 'http://127.0.0.1:9/v1', model: a, key: TOKEN_OF_NOBODY, price: {input: 1, output: 2, cached: 0.5}, max_tokens: 900,
          context: 4096, temperature: 0.5, seed: false, schema: json, timeout: 60, params: {top_p: 0.9, extra: {deep: [1, 2]}}}
  large: {base_url: 'http://127.0.0.1:9/v1', model: b, price: 0, reasoning: {tokens: 100}, list_price_of: gpt-4o}
"""


@dataclass(frozen=True)
class Format:
    """Valid files of one kind, and the commands that read them."""

    make: Callable[[Path], None]  # into an empty folder
    parts: Callable[[Path], list[Path]]  # those that are made wrong
    commands: Callable[[Path], Commands]
    named: bool = False  # whether a person names the very file: then a link is followed, as by any program


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


# -- task folders


def own_task(folder: Path) -> None:
    task = tiny.task(folder)
    (task / "task.yaml").write_text(
        "name: tiny\ntext: words.md\nmetric: {name: accuracy, direction: max}\ndata: schema\nnetwork: off\ngpu: false\nsubmission: submission.csv\n"
        "limits: {seconds: 20, memory_gb: 1, disk_gb: 1, output_mb: 8, processes: 100}\n"
    )
    (task / "words.md").write_text("Tell whether x is positive.\n")
    (folder / "models.yaml").write_text(SPEC)


def bench_task(folder: Path) -> None:
    own_task(folder)
    task = folder / "tiny"
    (task / "scoring").rename(task / "scripts")
    (task / "task.yaml").unlink()
    (task / "words.md").rename(task / "scripts" / "research_problem.txt")
    (task / "scripts" / "read_only_files.txt").write_text(
        "./test.csv\ntrain.*\n".replace("train.*", "train.csv")
    )


def task_parts(folder: Path) -> list[Path]:
    task = folder / "tiny"
    often = [task / "task.yaml"] * 12 if (task / "task.yaml").exists() else []
    return [*often, *files(task), *(path for path in task.rglob("*") if path.is_dir())]


def task_commands(folder: Path) -> Commands:
    return [["run", str(folder / "tiny"), "--dry-run", "--models", MODELS, "--graph", GRAPH]]


# -- graphs


def graph_files(folder: Path) -> None:
    for name in shipped():
        shutil.copy(SHIPPED / f"{name}.yaml", folder / f"{name}.yaml")
    (folder / "models.yaml").write_text(SPEC)


def graph_parts(folder: Path) -> list[Path]:
    return [folder / f"{name}.yaml" for name in shipped()]


def graph_commands(folder: Path) -> Commands:
    looks: Commands = []
    for path in (str(path) for path in graph_parts(folder)):
        looks += [
            ["graph", "show", path],
            ["graph", "show", path, "--json"],
            ["graph", "lint", path],
            ["graph", "draw", path],
        ]
        looks += [
            ["graph", "diff", path, "budgetml"],
            ["graph", "lint", path, "--models", str(folder / "models.yaml")],
        ]
        looks += [["run", "digits", "--dry-run", "--graph", path, "--models", MODELS]]
    return looks


# -- models.yaml and the .env beside it


def models_file(folder: Path) -> None:
    (folder / "models.yaml").write_text(SPEC)
    (folder / ".env").write_text("TOKEN_OF_NOBODY=abc\nOTHER='x y'\n")


def models_parts(folder: Path) -> list[Path]:
    return [*[folder / "models.yaml"] * 9, folder / ".env"]


def models_commands(folder: Path) -> Commands:
    path = str(folder / "models.yaml")
    return [["models", "list", "--models", path], ["graph", "lint", "budgetml", "--models", path], ["models", "list", "--models", path, "--json"],
            ["run", "digits", "--dry-run", "--unsafe", "--models", path]]  # fmt: skip


# -- a run's folder, and the ledger and the memory beside it


@cache
def stopped() -> Path:
    """The runs' folder of a replayed run that stands two steps before its end, with a memory of its own."""
    runs = Path(tempfile.mkdtemp(prefix="strange-runs-"))
    with contextlib.redirect_stderr(io.StringIO()):
        session = Session("digits", GRAPH, MODELS, turns=8, history="run", runs_dir=runs)
        session.run(until=33)
    item = {"kind": "attempt", "run": session.run_id, "task": "digits", "step": 6, "text": "trees"}
    with Store(session.folder.history) as store:
        session.artifacts.put_json(item)
        store.upsert([item])
    unmark(session.folder.history)
    for path in (session.folder.checkpoints, session.folder.ledger):
        with contextlib.closing(sqlite3.connect(path)) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    (session.folder.root / "final.json").write_bytes((RECORDING / "final.json").read_bytes())
    (session.folder.root / "ended.json").write_text(
        '{"status": "finished", "reason": "all turns are used", "seconds": 9.5}'
    )
    return runs


def run_files(folder: Path) -> None:
    shutil.copytree(stopped(), folder / "runs", ignore=shutil.ignore_patterns("*-wal", "*-shm"))


def run_of(folder: Path) -> Path:
    return next(path for path in (folder / "runs").iterdir() if path.name.startswith("digits-"))


def run_parts(folder: Path) -> list[Path]:
    run = run_of(folder)
    chosen = [
        "config.json",
        "graph.yaml",
        "run.json",
        "ended.json",
        "sealed.json",
        "final.json",
        "events.jsonl",
        "results.tsv",
    ]
    named = [run / name for name in chosen if (run / name).exists()]
    items = list((run / "history" / "items").iterdir())
    return [
        *named,
        *named,
        *items,
        folder / "runs" / "history",
        run / "artifacts",
        run / "best" / "train.py",
        run / "history" / "index" / "chroma.sqlite3",
    ]


def checkpoint_parts(folder: Path) -> list[Path]:
    return [run_of(folder) / "checkpoints.sqlite"]


def ledger_parts(folder: Path) -> list[Path]:
    return [folder / "runs" / "ledger.sqlite"]


def run_commands(folder: Path) -> Commands:
    run = run_of(folder).name
    looks = [
        ["show", run], ["show", run, "--json"], ["show", run, "--files", str(folder / "restored")], ["why", run], ["why", run, "6"],
        ["why", run, "--json"], ["cost", run], ["cost", run, "--csv"], ["cost", run, "--json"], ["cost"], ["cost", "--by", "day"],
        ["list"], ["list", "--json"], ["doctor", run], ["doctor", run, "--rebuild"], ["export", run, "--out", str(folder / "out")],
        ["memory", "list"], ["memory", "export", "--out", str(folder / "memory.jsonl")],
        ["graph", "draw", "--run", run], ["graph", "gate", "budgetml", run], ["clean"], ["clean", run, "--yes", "--dry-run"],
        ["clean", "--older-than", "0", "--keep-best", "--yes", "--dry-run"], ["resume", run, "--turns", "8"],
    ]  # fmt: skip
    return [[*command, "--runs-dir", str(folder / "runs")] for command in looks]


# -- an artifact of a run: it has another name then, which whatever names it has to say


def artifact_parts(folder: Path) -> list[Path]:
    run = run_of(folder)
    return [path for path in files(run / "artifacts") if path.read_bytes()[:1] == b"{"]


def renamed(run: Path, old: str, content: bytes) -> None:
    """Give an artifact new content, and say its new name wherever the old one stands."""
    new = hashlib.sha256(content).hexdigest()
    (run / "artifacts" / old).unlink(missing_ok=True)
    (run / "artifacts" / new).write_bytes(content)
    for path in files(run / "artifacts"):
        raw = path.read_bytes() if path.exists() else b""
        if old.encode() in raw and path.name != new:
            renamed(run, path.name, raw.replace(old.encode(), new.encode()))
    with contextlib.closing(sqlite3.connect(run / "checkpoints.sqlite")) as db, db:
        for name, column in (("checkpoints", "checkpoint"), ("writes", "value"), ("checkpoints", "metadata")):
            for number, raw in db.execute(f"SELECT rowid, {column} FROM {name}").fetchall():
                text = raw if isinstance(raw, bytes) else str(raw).encode()
                if old.encode() in text:
                    db.execute(
                        f"UPDATE {name} SET {column} = ? WHERE rowid = ?",
                        (text.replace(old.encode(), new.encode()), number),
                    )


# -- recordings, and tables


def recording(folder: Path) -> None:
    shutil.copytree(RECORDING, folder / "recording")


def recording_parts(folder: Path) -> list[Path]:
    own = [path for path in files(folder / "recording") if path.parent.name != "artifacts"]
    return [*own, folder / "recording" / "events.jsonl", *files(folder / "recording" / "artifacts")[:3]]


def recording_commands(folder: Path) -> Commands:
    place, runs = str(folder / "recording"), ["--runs-dir", str(folder / "runs")]
    again = [
        "run",
        "digits",
        "--models",
        f"replay:{place}",
        "--graph",
        f"{place}/graph.yaml",
        "--turns",
        "8",
        "--history",
        "off",
    ]
    return [[*again, "--dry-run"], ["graph", "draw", "--run", place, *runs], ["doctor", place, *runs], ["show", place, *runs], ["list", "--runs-dir", str(folder)],
            ["cost", place, *runs], ["export", place, "--out", str(folder / "out"), *runs], [*again, *runs]]  # fmt: skip


def table_file(folder: Path) -> None:
    rows = "".join(
        f"{i},{i * 37 % 41 - 20.5},{'ab'[i % 2]},2024-01-{i % 28 + 1:02d},{int(i * 37 % 41 > 20)}\n"
        for i in range(60)
    )
    (folder / "table.csv").write_text("id,x,kind,day,label\n" + rows)


def table_commands(folder: Path) -> Commands:
    return [
        [
            "new",
            "task",
            "--data",
            str(folder / "table.csv"),
            "--target",
            "label",
            "--out",
            str(folder / "made"),
        ]
    ]


FORMATS = {
    "task": Format(own_task, task_parts, task_commands),
    "task of MLAgentBench": Format(bench_task, task_parts, task_commands),
    "graph": Format(graph_files, graph_parts, graph_commands, named=True),
    "models.yaml": Format(models_file, models_parts, models_commands, named=True),
    "run": Format(run_files, run_parts, run_commands),
    "checkpoints": Format(run_files, checkpoint_parts, run_commands),
    "ledger": Format(run_files, ledger_parts, run_commands),
    "artifact": Format(run_files, artifact_parts, run_commands),
    "recording": Format(recording, recording_parts, recording_commands),
    "table": Format(table_file, lambda folder: [folder / "table.csv"], table_commands, named=True),
}


def spoil(kind: str, folder: Path, chance: Random, outside: Path) -> str:
    """Make one or two of the files of a format wrong; return which."""
    told = []
    for _ in range(chance.choice([1, 1, 1, 2])):
        parts = [
            part
            for part in FORMATS[kind].parts(folder)
            if not part.is_symlink() and (part.is_file() or part.is_dir())
        ]
        if not parts:
            break
        part = chance.choice(parts)
        if kind == "artifact" and chance.random() < 0.9:
            tree = mutated.changed(json.loads(part.read_bytes()), chance, outside)
            with contextlib.suppress(RecursionError):  # too deep to be written, and so to be sent
                renamed(run_of(folder), part.name, mutated.text_of(tree))
        else:
            mutated.mutate(part, chance, outside)
        told.append(part.name)
    return ", ".join(told)


@contextlib.contextmanager
def place() -> Iterator[tuple[Path, Path]]:
    """An empty folder, in which the process then stands, and one outside of it with a secret."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory(prefix="strange-") as top:
        folder, outside = Path(top, "a", "b", "c"), Path(top, "outside")
        for each in (folder, outside):
            each.mkdir(parents=True)
        (outside / mutated.SECRET).write_text('{"secret": 1}\n')
        (Path(top) / mutated.SECRET).symlink_to(outside / mutated.SECRET)
        (folder / f"{mutated.TRIPWIRE}.py").write_text("raise SystemExit('ran')\n")
        os.chdir(folder)
        try:
            yield folder, outside
        finally:
            os.chdir(before)


def example(kind: str, chance: Random, most: int | None = None, run: Any = call) -> tuple[list[str], str]:
    """One stranger's folder before the commands, or `most` of them: what is wrong, and what was made wrong."""
    with place() as (folder, outside):
        FORMATS[kind].make(folder)
        commands = FORMATS[kind].commands(folder)
        told = spoil(kind, folder, chance, outside)
        if kind == "graph":
            commands = [
                command for command in commands if any(told.split(", ")[0] in word for word in command)
            ]
        chosen = commands if most is None else chance.sample(commands, min(most, len(commands)))
        name = run_name(folder)

        def look() -> list[str]:
            found = []
            for command in chosen:
                shutil.rmtree(folder / "restored", ignore_errors=True)
                words = " ".join(
                    word for word in command if "/" not in word and word not in (name, "--runs-dir")
                )
                wrong = watched.faults(command, folder, outside, run)
                if FORMATS[kind].named:
                    wrong = [fault for fault in wrong if not fault.startswith(("open outside", "open /dev/"))]
                found += [f"{fault}  [{words}]" for fault in wrong]
            return found

        return look(), told


def run_name(folder: Path) -> str:
    return next((path.name for path in folder.glob("runs/digits-*")), "")


def tried(kind: str, first: int, until: int, most: int) -> Iterator[tuple[int, list[str], str]]:
    """Try examples in a process of its own, which is killed where one takes too long: seed, faults, what was made wrong."""
    while first < until:
        words = [*ENDS_WITH_US, sys.executable, __file__, "--worker", "--only", kind]
        words += ["--first", str(first), "--examples", str(until - first), "--most", str(most)]
        with (
            tempfile.TemporaryFile("w+") as said,
            subprocess.Popen(words, stdout=subprocess.PIPE, stderr=said, text=True) as worker,
            contextlib.ExitStack() as at_end,
        ):
            at_end.callback(worker.kill)  # an interrupt would wait for all that it was told to try
            assert worker.stdout
            while first < until:
                ready, _, _ = select.select([worker.stdout], [], [], PATIENCE)
                line = worker.stdout.readline() if ready else ""
                if line:
                    yield first, *json.loads(line)
                first += 1
                if not line:
                    yield first - 1, ["hang: killed" if not ready else _ended(worker, said)], ""
                    break


def _ended(worker: subprocess.Popen[str], said: IO[str]) -> str:
    """Tell how a process ended, with its last line: it may be this very file that is wrong."""
    status = worker.wait()
    said.seek(0)
    return f"the process ended: {status} {said.read()[-2000:].strip().rpartition(chr(10))[2][:200]}"


def work(asked: Any) -> None:
    """Try examples in this process, and say a line of JSON after each."""
    said = os.fdopen(os.dup(1), "w", buffering=1)
    for seed in range(asked.first, asked.first + asked.examples):
        print(
            json.dumps(example(asked.only, Random(f"{asked.only} {seed}"), asked.most)), file=said, flush=True
        )


def main() -> int:
    """Try each format; print what was tried and every fault with the first seed that shows it."""
    given = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    given.add_argument("--examples", type=int, default=3000)
    given.add_argument("--first", type=int, default=0)
    given.add_argument("--only", choices=FORMATS)
    given.add_argument("--most", type=int, default=4, help="commands of an example")
    given.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    asked = given.parse_args()
    if asked.worker:
        work(asked)
        return 0
    with tempfile.TemporaryDirectory(prefix="strange-of-") as own:
        # What a worker that is killed leaves goes with it, and no person's state is written to.
        os.environ.update({"TMPDIR": own, VARIABLE: f"{own}/person"})
        return tell(asked)


def tell(asked: Any) -> int:
    """Try the formats that are asked for, and print what was found."""
    bad = 0
    for kind in [asked.only] if asked.only else FORMATS:
        begun, seen, shown = time.monotonic(), Counter[str](), dict[str, str]()
        for seed, found, told in tried(kind, asked.first, asked.first + asked.examples, asked.most):
            for fault, _, words in (each.partition("  [") for each in found):
                seen[fault] += 1
                if fault not in shown:
                    shown[fault] = f"seed {seed}: {told}; [{words}"
                    print(f"    NEW {fault}  {shown[fault]}", file=sys.stderr, flush=True)
            if seed % 50 == 49:
                print(f"    {kind}: {seed + 1 - asked.first} examples", file=sys.stderr, flush=True)
        bad += len(seen)
        print(
            f"{kind:22s} {asked.examples:6d} examples, {len(seen)} faults, {time.monotonic() - begun:.0f} s",
            flush=True,
        )
        for fault, count in seen.most_common():
            print(f"    {count:5d}  {fault}  ({shown[fault]})")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
