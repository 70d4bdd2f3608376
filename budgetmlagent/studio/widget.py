"""The page as a widget of a notebook: the same requests, over the kernel's messages."""

import json
import threading
from collections.abc import Mapping
from contextvars import Context, copy_context
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from budgetmlagent.errors import UnavailableError, UsageError
from budgetmlagent.studio import editing
from budgetmlagent.studio.answers import Answers, Reply
from budgetmlagent.studio.bundle import bundle
from budgetmlagent.studio.place import ConflictError, Place, digest
from budgetmlagent.studio.protocol import GraphAsked, SaveAsked
from budgetmlagent.studio.replies import Code
from graphs.finding import GraphError
from graphs.spec import GraphSpec

OFTEN = 0.5  # seconds between two looks


class InMemory(Answers):
    """Answers in which one graph is no file but a `GraphSpec` of the notebook's."""

    def __init__(self, place: Place, name: str, spec: GraphSpec) -> None:
        super().__init__(place)
        self._name, self._spec = name, spec
        self._by_name |= {"graph": self._told, "save": self._kept}

    def _told(self, asked: GraphAsked) -> Reply:
        if asked.graph != self._name:
            return self._graph(asked)
        return editing.told(
            self._spec.dump(), self._name, Code(python="graph  # as it is in this notebook", command="")
        )

    def _kept(self, asked: SaveAsked) -> Reply:
        """Take the edited text over into the notebook's graph, in place."""
        if asked.path != self._name:
            return editing.save(self.place, asked)
        if asked.hash != digest(self._spec.dump()):
            raise ConflictError("the graph was changed in the notebook since it was read; look again")
        try:
            self._spec.become(asked.text)
        except GraphError as error:
            raise UsageError(error.lines[0]) from None
        return {"path": self._name, "hash": digest(self._spec.dump())}


def widget(begin: tuple[str, str], *, runs_dir: Path, spec: GraphSpec | None = None) -> Any:
    """Return the widget, which begins by showing a run or a graph. Raises UnavailableError where it cannot be had."""
    try:
        import anywidget
        import traitlets
    except ImportError:
        raise UnavailableError(
            "the studio in a notebook needs anywidget: pip install 'budgetmlagent[notebook]'"
        ) from None
    files = bundle()
    place = Place(Path.cwd().resolve(), runs_dir.resolve())
    answers = InMemory(place, begin[1], spec) if spec else Answers(place)

    base: Any = anywidget.AnyWidget

    class Studio(base):  # type: ignore[misc]  # installed or not, it is judged alike
        _esm = files["app.js"].decode("utf-8")
        _css = files["app.css"].decode("utf-8")
        place: Any = traitlets.List().tag(sync=True)

        def __repr__(self) -> str:
            return f"<the studio: {begin[0]} {begin[1]}>"

    made, heard = Studio(place=list(begin)), Heard()
    # ipykernel takes what a page sends to the thread that sent it something last; now that is the cell's, which may be busy for long.
    made.comm.__dict__.pop("_reply_subshell_id", None)

    def answer(_: Any, message: Mapping[str, Any], __: Any) -> None:
        heard.context = copy_context()
        made.send(reply(answers, message))

    made.on_msg(answer)
    threading.Thread(target=_follow, args=(made, answers, heard), daemon=True).start()
    return made


@dataclass
class Heard:
    """Where the page's newest message was heard; None before the first.

    A notebook sends a widget's messages to a thread of their own (a subshell), so that they are answered while a cell runs. The kernel
    takes the next one to the thread for which the newest was sent out, and what a thread of ours sends out is the running cell's,
    unless it is sent in the context of the page's own message.
    """

    context: Context | None = None


def reply(answers: Answers, message: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a message of the page is answered with."""
    status, told = answers.answer(str(message.get("name")), json.dumps(message.get("asked") or {}).encode())
    return {"id": message.get("id"), "status": status, "reply": json.loads(json.dumps(told, default=str))}


def _follow(made: Any, answers: Answers, heard: Heard) -> None:
    """Tell the page what changes, as long as it is there."""
    closed, seq = threading.Event(), answers.watcher.since(0)["seq"]
    while made.comm is not None and not closed.wait(OFTEN):
        if heard.context is None:
            continue  # what the page has not asked for yet it will be told as it is then
        changes = answers.watcher.since(seq)
        seq = changes["seq"]
        if changes["changed"]:
            heard.context.copy().run(made.send, {"changed": changes["changed"]})
    answers.driver.close()
