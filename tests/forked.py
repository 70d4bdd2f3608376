"""Runs a script in a real process of its own, forked from one that has loaded the heavy libraries already."""

import multiprocessing
import os
import traceback
import warnings
from pathlib import Path

SERVER = multiprocessing.get_context("forkserver")
OF_SCRIPTS = ["pandas", "lightgbm", "sklearn.ensemble", "sklearn.svm", "threadpoolctl"]
OF_RUNS = ["langgraph.checkpoint.sqlite", "langchain_openai", "chromadb", "wordllama", "budgetmlagent.wiring"]
SERVER.set_forkserver_preload(OF_SCRIPTS + OF_RUNS)  # there is one such server, for `killed` too


def run(script: str, folder: Path) -> tuple[int | None, str]:
    """Run `script` as train.py in `folder`; return its exit status and its whole output."""
    (folder / "train.py").write_text(script)
    process = SERVER.Process(target=_execute, args=(str(folder),))
    process.start()
    process.join(60)
    process.kill()
    return process.exitcode, (folder / "output").read_text()


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
