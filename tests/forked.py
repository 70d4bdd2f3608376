"""Runs a script or a command in a real process of its own, forked from one that has loaded the heavy libraries already."""

import multiprocessing
import os
import sys
import traceback
import warnings
from multiprocessing.connection import Connection
from pathlib import Path
from subprocess import CompletedProcess
from tempfile import TemporaryFile
from typing import Any

LONG = 600  # seconds; a busy machine has needed a minute for what takes one second
SERVER = multiprocessing.get_context("forkserver")
OF_SCRIPTS = ["pandas", "lightgbm", "sklearn.ensemble", "sklearn.svm", "threadpoolctl"]
# What a run imports late, too, or each fork would do so again.
OF_RUNS = [
    "langgraph.checkpoint.sqlite",
    "langchain_openai",
    "openai.resources.chat.completions.completions",
    "httpcore2",
    "jinja2.sandbox",
    "chromadb",
    "wordllama",
    "budgetmlagent.cli.app",
    "budgetmlagent.cli.live",
    "budgetmlagent.models.chat.openai_chat",
    "budgetmlagent.models.client",
    "budgetmlagent.run.session",
    "budgetmlagent.scoring.heldout",
    "graphs.compile",
    "memory.history",
    "nodes.coder",
    "nodes.evaluator",
    "nodes.expert",
    "nodes.planner",
]
SERVER.set_forkserver_preload(OF_SCRIPTS + OF_RUNS)  # there is one such server, for `killed` too


def start(script: str, folder: Path, *arguments: object, **env: str) -> Any:
    """Return the process that runs `script` as train.py in `folder`, where its output goes into the file `output`."""
    (folder / "train.py").write_text(script, encoding="utf-8")
    process = SERVER.Process(target=_execute, args=(str(folder), list(map(str, arguments)), env))
    process.start()
    return process


def run(script: str, folder: Path, *arguments: object, **env: str) -> tuple[int | None, str]:
    """Run `script` as train.py in `folder`; return its exit status and its whole output."""
    process = start(script, folder, *arguments, **env)
    process.join(LONG)
    process.kill()
    process.join()
    return process.exitcode, (folder / "output").read_text(encoding="utf-8")


def command(*words: str, **env: str) -> "CompletedProcess[str]":
    """Run `budgetml` with these words, here and in this environment with `env` in it."""
    with TemporaryFile("w+") as out, TemporaryFile("w+") as err, open(os.devnull) as nothing:
        streams = [nothing.fileno(), out.fileno(), err.fileno()]
        process = begun(streams, words, os.environ | env)
        process.join(LONG)
        process.kill()
        process.join()
        out.seek(0)
        err.seek(0)
        return CompletedProcess(words, process.exitcode, out.read(), err.read())


def begun(streams: list[int], words: tuple[str, ...], env: dict[str, str]) -> Any:
    """Return the process that runs `budgetml`, here, with copies of these as its standard input, output and error."""
    held = [Connection(os.dup(stream)) for stream in streams]  # as which a descriptor can be handed on
    process = SERVER.Process(target=_command, args=(os.getcwd(), held, words, env))
    process.start()
    return process


def _command(folder: str, streams: list[Connection], words: tuple[str, ...], env: dict[str, str]) -> None:
    from budgetmlagent.cli import call

    os.chdir(folder)
    for descriptor, stream in enumerate(streams):
        os.dup2(stream.fileno(), descriptor)
        stream.close()
    # As Python begins: a stream of before knows a file in its place.
    sys.stdin, sys.stdout, sys.stderr = os.fdopen(0), os.fdopen(1, "w"), os.fdopen(2, "w", buffering=1)
    os.environ.clear()
    os.environ |= env
    sys.exit(call(list(words)))


def _execute(folder: str, arguments: list[str], env: dict[str, str]) -> None:
    from threadpoolctl import threadpool_limits

    os.chdir(folder)
    os.environ |= env
    sys.argv = ["train.py", *arguments]
    sys.path.insert(0, folder)  # a script's own
    warnings.simplefilter("ignore")
    with (
        open("output", "w", encoding="utf-8") as output,
        threadpool_limits(1),
    ):  # threads that spin are slow on a busy machine
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
        try:
            exec(
                compile(Path("train.py").read_text(encoding="utf-8"), "train.py", "exec"),
                {"__name__": "__main__"},
            )
        except BaseException:
            print(end="", flush=True)
            traceback.print_exc(file=output)
            output.flush()
            os._exit(1)
        print(end="", flush=True)
    os._exit(0)
