"""From a request's name and its JSON to the reply's JSON: the same for the page, the notebook and whoever else asks."""

import json
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any

from pydantic import ValidationError

from budgetmlagent.errors import BudgetMLError, UnavailableError, UsageError
from budgetmlagent.studio import catalogue, editing, look, price, rows
from budgetmlagent.studio import protocol as asks
from budgetmlagent.studio.drive import Driver
from budgetmlagent.studio.place import ConflictError, Place
from budgetmlagent.studio.snapshot import Read, Snapshot
from budgetmlagent.studio.watch import Watcher
from graphs.finding import GraphError
from memory.artifacts import CorruptArtifactError

Reply = Mapping[str, Any]
DRIVING = ("start", "drive")  # they wait for a process, and hinder nobody meanwhile
KEPT = 8  # runs of which is known what was read
STATUS = {UsageError.status: 400, UnavailableError.status: 503}


class Answers:
    """Answers what is asked about the graphs and runs of a place."""

    def __init__(self, place: Place) -> None:
        self.place, self.watcher = place, Watcher(place)
        self.driver = Driver(place, self.watcher.tell)
        self._read = dict[str, Read]()  # of the runs that were looked at last
        self._by_name: dict[str, Callable[[Any], Reply]] = {
            "catalogue": lambda _: catalogue.catalogue(place),
            "runs": lambda _: {"runs": rows.run_rows(place.runs_dir)},
            "run": self._run,
            "step": lambda a: look.step(place.view(a.run), a.step, a.branch),
            "compare": lambda a: look.compare(place.view(a.one), place.view(a.other)),
            "graph": self._graph,
            "edit": lambda a: editing.edit(place, a),
            "save": lambda a: editing.save(place, a),
            "prompt": lambda a: editing.prompt(place, a),
            "layout": lambda a: editing.layout(place, a),
            "price": lambda a: price.price(place, a.start, a.drive),
            "start": self.driver.start,
            "drive": self.driver.drive,
        }

    def answer(self, name: str, body: bytes) -> tuple[int, Reply]:
        """Return status and reply; whatever is wrong with the request or a run is one line."""
        if name not in asks.REQUESTS:
            return 404, {"error": f"no request {name[:80]!r}; there are {', '.join(asks.REQUESTS)}"}
        try:
            asked = asks.REQUESTS[name].model_validate_json(body or b"{}")
            with nullcontext() if name in DRIVING else self.place.turn:
                return 200, self._by_name[name](asked)
        except ValidationError as error:
            return 400, {"error": _invalid(name, error)}
        except ConflictError as error:
            return 409, {"error": _line(error), "diff": error.diff}
        except BudgetMLError as error:
            return STATUS.get(error.status, 400), {"error": _line(error)}
        except GraphError as error:
            return 400, {"error": error.lines[0]}
        except (CorruptArtifactError, FileNotFoundError) as error:
            return 503, {"error": f"a file of the run cannot be read: {_line(error)}"}

    def _run(self, asked: asks.RunAsked) -> Reply:
        view = self.place.view(asked.run)
        now = Snapshot.of(view, self._read.pop(view.run_id, None))
        self._read[view.run_id] = now.read
        while len(self._read) > KEPT:
            self._read.pop(next(iter(self._read)))
        return look.run(now, asked.since, self.driver.is_ours(view.run_id))

    def _graph(self, asked: asks.GraphAsked) -> Reply:
        if path := self.place.graph(asked.graph):
            self.watcher.watch_graph(asked.graph, path)
        return editing.graph(self.place, asked.graph)


def _line(error: Exception) -> str:
    return " ".join(str(error).splitlines())


def _invalid(name: str, error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    where = ".".join(map(str, first["loc"]))
    given = first.get("input")
    told = f", not {given!r}" if isinstance(given, str | int | float) and first["loc"] else ""
    return f"{name}: {f'{where}: ' if where else ''}{first['msg'].lower()}{told[:200]}"


def as_json(reply: Reply) -> bytes:
    """Return a reply as its bytes; a lone surrogate, as in the name of a file, is escaped."""
    return json.dumps(reply, ensure_ascii=True, allow_nan=False, default=str).encode()
