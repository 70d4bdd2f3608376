"""Runs a script or a command in a real process of its own, forked from one that has loaded the heavy libraries already."""

import multiprocessing
import os
import sys
import traceback
import warnings
from pathlib import Path
from subprocess import CompletedProcess
from tempfile import TemporaryDirectory

SERVER = multiprocessing.get_context("forkserver")
OF_SCRIPTS = ["pandas", "lightgbm", "sklearn.ensemble", "sklearn.svm", "threadpoolctl"]
OF_RUNS = [
    "langgraph.checkpoint.sqlite",
    "langchain_openai",
    "chromadb",
    "wordllama",
    "budgetmlagent.run.wiring",
]
SERVER.set_forkserver_preload(OF_SCRIPTS + OF_RUNS)  # there is one such server, for `killed` too


def run(script: str, folder: Path) -> tuple[int | None, str]:
    """Run `script` as train.py in `folder`; return its exit status and its whole output."""
    (folder / "train.py").write_text(script)
    process = SERVER.Process(target=_execute, args=(str(folder),))
    process.start()
    process.join(60)
    process.kill()
    return process.exitcode, (folder / "output").read_text()


def command(*words: str, **env: str) -> "CompletedProcess[str]":
    """Run `budgetml` with these words."""
    with TemporaryDirectory() as name:
        process = SERVER.Process(target=_command, args=(Path(name), words, env))
        process.start()
        process.join(120)
        process.kill()
        out, err = ((Path(name) / stream).read_text() for stream in ("out", "err"))
    return CompletedProcess(words, process.exitcode, out, err)


def _command(folder: Path, words: tuple[str, ...], env: dict[str, str]) -> None:
    from budgetmlagent.cli import call

    for descriptor, name in (1, "out"), (2, "err"):
        os.dup2(os.open(folder / name, os.O_WRONLY | os.O_CREAT), descriptor)
    os.environ |= env
    sys.exit(call(list(words)))


def _execute(folder: str) -> None:
    from threadpoolctl import threadpool_limits

    os.chdir(folder)
    warnings.simplefilter("ignore")
    with open("output", "w") as output, threadpool_limits(1):  # threads that spin are slow on a busy machine
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
        try:
            exec(compile(Path("train.py").read_text(), "train.py", "exec"), {"__name__": "__main__"})
        except BaseException:
            traceback.print_exc(file=output)
            output.flush()
            os._exit(1)
        print(end="", flush=True)
    os._exit(0)
