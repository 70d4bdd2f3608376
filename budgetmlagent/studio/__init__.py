"""Runs and graphs seen, steered and edited in a browser or a notebook: a page that holds no rule, and its hosts.

`budgetml studio` serves it to a browser on this machine. In a notebook, `studio.view(session)` shows a run and
`studio.edit(graph)` edits a graph; they are functions, as a run and a graph know nothing of a page.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from budgetmlagent.run.view import RunView
    from graphs.spec import GraphSpec

__all__ = ["edit", "view"]


def view(run: "RunView | str | Path", runs_dir: str | Path = "runs") -> Any:
    """Return a widget that shows a run, a `Session` or the id of one, and goes on with it.

    Raises UsageError for an unknown run, UnavailableError for a damaged one and without anywidget.
    """
    from budgetmlagent.records import rundir
    from budgetmlagent.studio.widget import widget

    folder = rundir.find(run, Path(runs_dir)) if isinstance(run, str | Path) else run.folder
    return widget(("run", folder.run_id), runs_dir=folder.root.parent)


def edit(graph: "GraphSpec | str | Path", runs_dir: str | Path = "runs") -> Any:
    """Return a widget that edits a graph: a file, a shipped one under another name, or a `GraphSpec`, which changes in place.

    Raises GraphError where there is no such graph, UnavailableError without anywidget.
    """
    from budgetmlagent.studio.widget import widget
    from graphs.spec import GraphSpec

    if isinstance(graph, GraphSpec):
        return widget(("graph", f"{graph.name}.yaml"), runs_dir=Path(runs_dir), spec=graph)
    GraphSpec.load(graph, check=False)
    return widget(("graph", str(graph)), runs_dir=Path(runs_dir))
