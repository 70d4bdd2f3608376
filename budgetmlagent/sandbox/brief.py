"""Makes the data briefing: our code looks at the task's files, in a sandbox, with the interpreter of its scripts."""

import json
from collections.abc import Mapping
from typing import Any

from budgetmlagent.errors import RunFailedError
from budgetmlagent.sandbox import briefings
from budgetmlagent.sandbox.cages.cage import Cage
from budgetmlagent.sandbox.cages.interpreter import interpreter
from budgetmlagent.sandbox.process.scratch import scratch
from budgetmlagent.sandbox.trusted import run_module
from budgetmlagent.tasks.folder import TaskFolder
from memory.artifacts import Artifacts
from nodes.deps import Execution

SECONDS = 120.0


def brief(
    task: TaskFolder,
    cage: Cage,
    execution: Execution,
    artifacts: Artifacts,
    told: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the briefing of `task`, whose baseline's execution shows the format of a submission.

    What could not be read is told in its `problems`. A briefing of the same files that is kept in the cache is used again.
    With what a reader has `told` of the tables, the briefing is by that; {untrue}, a sentence, where it does not hold.
    """
    said = ("name", "text", "metric", "direction", "starter", "data")
    meta = json.dumps({key: getattr(task, key) for key in said} | ({"told": told} if told else {}))
    place = briefings.place_of(task, cage, interpreter(task.python), execution.files, meta)
    facts = briefings.kept(place) if place else None
    if facts is None:
        try:
            facts = _made(task, cage, execution, artifacts, meta)
        except (RunFailedError, ValueError) as error:
            # Nothing is known of the data then, so no case fits; the models can still work on the script.
            return {"kinds": [], "files": [], "summary": "", "problems": [str(error)]}
        if place:
            briefings.keep(place, facts)
    if "machine" in facts:
        facts["machine"] |= {"gpu": bool(task.gpu), "network": task.network}
    return facts


def _made(
    task: TaskFolder, cage: Cage, execution: Execution, artifacts: Artifacts, meta: str
) -> dict[str, Any]:
    """Look at the files. Raises RunFailedError or ValueError where that failed."""
    with scratch("brief") as folder:
        (folder / "meta.json").write_text(meta, encoding="utf-8")
        submission = folder / "submission"
        submission.mkdir()
        for file, artifact in execution.files.items():
            (submission / file).write_bytes(artifacts.read(artifact))
        mounts = {"env": task.env, "submission": submission, "meta.json": folder / "meta.json"}
        bound = {f"/brief/{name}": path for name, path in mounts.items()}
        args = ["--env", "/brief/env", "--submission", "/brief/submission", "--meta", "/brief/meta.json"]
        text = run_module(
            cage, briefings.CODE, mounts_ro=bound, args=args, seconds=SECONDS, python=task.python
        )
        return dict(json.loads(text))
