"""Forks: a new run that shares another's history up to a point."""

import os
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

from budgetmlagent.errors import UsageError
from budgetmlagent.records import rundir
from budgetmlagent.records.branches import Branches
from budgetmlagent.records.checkpoints import checkpoints_of
from budgetmlagent.records.rundir import Fork, RunDir, origins
from budgetmlagent.wording import one_of

if TYPE_CHECKING:
    from budgetmlagent.run.view import RunView

REPLIES = ("live", "recorded")


def begin(origin: "RunView", replies: str) -> RunDir:
    """Make the folder of a fork that stands where `origin` does. Raises UsageError."""
    if replies not in REPLIES:
        raise UsageError(f"fork(replies={replies!r}): {one_of(REPLIES, replies)}")
    way, config = origin.branches.way, origin.config
    step = way[-1].metadata["step"] if way else 0
    fork = Fork(runs=[*origins(config), config.run_id], step=step, replies=replies)
    config = replace(config, run_id=rundir.new_id(origin.task.name), fork=fork)
    run = rundir.create(origin.folder.root.parent, config, origin.spec.dump())
    _share(origin.folder, run)
    origin.ledger.open_fork(config.run_id, origin.run_id)
    Branches(checkpoints_of(run), config.run_id).begin(way)
    return run


def _share(origin: RunDir, run: RunDir) -> None:
    """Give the fork the origin's artifacts, which never change, and copies of what the origin remembers and was begun with."""
    run.artifacts.mkdir(exist_ok=True)
    for path in origin.artifacts.glob("[0-9a-f]*"):
        try:
            os.link(path, run.artifacts / path.name)
        except OSError:  # a file system without hard links
            shutil.copyfile(path, run.artifacts / path.name)
    if origin.history.exists():
        shutil.copytree(origin.history, run.history)
    for mine, copy in ((origin.sealed, run.sealed), (origin.witness, run.witness)):
        if mine.exists():
            shutil.copyfile(mine, copy)
