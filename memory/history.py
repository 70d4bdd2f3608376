"""Long-term memory: what a run supplies to its next node, and what it keeps.

The run's own attempts are read from the chain behind the state's head alone, like commits, so that no branch sees
another's future. Cases come from the bank and, with mode "all", from what other runs won with; repairs from this branch
and, with mode "all", from other runs. The order of what is recalled depends on nothing but what is stored.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from memory.artifacts import Artifacts
from memory.attempts import Attempt, briefing, chain
from memory.briefing import Briefing
from memory.cases import Case, as_item, menu
from memory.merge import merge, unmark
from memory.scores import gain, worth
from memory.shared import Place, Shared
from memory.state import Recalled, RunState
from memory.store import Item, Store

Mode = Literal["off", "run", "all"]
Found = tuple[str, Item, float]  # id, content, similarity
Where = Mapping[str, Any] | None  # what a query's items must have

CASES = 8  # of a menu
WINNERS = 3  # other runs' scripts that are offered before the bank: when the best have not won here, the rest will not
TRIED = 4  # attempts that the planner is reminded of
CHAIN = 12  # attempts that anybody else is shown
REPAIRS = 2
ALIKE = 0.6  # cosine similarity from which another error's repair may help
# Which items a task may be shown, by what each says of data: only one whose data stay, too, may see those of such tasks.
# Its items are made from what it sees, and so no other's models ever get at them. An item that says nothing may be of one.
LEAVE: tuple[str, ...] = ("schema", "samples")
WIDE = 100  # nearest items that are looked at before those are left out that this branch must not see


class RunHistory:
    """The history of one run. It holds the run's store from the first item kept until it is closed."""

    def __init__(
        self,
        *,
        folder: Path,
        shared: Path | Place | None,
        artifacts: Artifacts,
        cases: Sequence[Case],
        mode: Mode,
        task: str,
        data: str,
        run: str,
        origins: Sequence[str] = (),
        ast_key: Callable[[str], str],
        signature: Callable[[Briefing], str],
    ) -> None:
        """Set it up without opening anything.

        `data` is the task's word on what of its data may leave this machine: stays, schema or samples.
        `origins` are the runs that a fork comes from: it knows what they knew up to there, and nothing later.
        `ast_key` hashes a script's syntax tree; `signature` names what of a briefing must be equal for a script of
        another task to run on this one.
        """
        self.folder, self.shared, self.artifacts, self.cases = folder, shared, artifacts, list(cases)
        self.mode, self.task, self.data, self.run = mode, task, data, run
        self.family = frozenset({run, *origins})
        self.ast_key, self.signature = ast_key, signature

    # What a node is given.

    def recall(self, node: str, kinds: Sequence[str], state: RunState) -> list[Recalled]:  # noqa: ARG002 - a replay needs it
        """Return the history of these `kinds` (`memory.state.Kind`); the contents are artifacts of this run.

        What this branch itself has tried is known in every mode; cases and repairs only where the history is not off.
        """
        supply: dict[str, Callable[[RunState], list[Found]]] = {
            "attempts": self._attempts,
            "highlights": self._highlights,
            "same_script": self._same_script,
            "same_error": self._same_error,
        }
        if self.mode != "off":
            supply |= {"cases": self._menu, "chosen_case": self._chosen, "repairs": self._repairs}
        found = [hit for kind in kinds if kind in supply for hit in supply[kind](state)]
        return [self._recalled(name, item, similarity) for name, item, similarity in _once(found)]

    def _same_script(self, state: RunState) -> list[Found]:
        if not state.script:
            return []
        key = self.ast_key(self.artifacts.text(state.script))
        return _found(attempt for attempt in chain(self.artifacts, state.head) if attempt.ast == key)[:CHAIN]

    def _same_error(self, state: RunState) -> list[Found]:
        error = state.run.get("error", "")
        alike = (attempt for attempt in chain(self.artifacts, state.head) if error and attempt.error == error)
        return _found(alike)[:CHAIN]

    def _attempts(self, state: RunState) -> list[Found]:
        return _found(islice(chain(self.artifacts, state.head), CHAIN))[::-1]

    def _highlights(self, state: RunState) -> list[Found]:
        """Return the attempts that gained most, newest first among equals, and the newest one in any case."""

        def gained(attempt: Attempt) -> float:
            before, after = attempt.score_before, attempt.score
            if before is None or after is None:
                return float("-inf")
            return gain(before, after, _direction(state))

        attempts = chain(self.artifacts, state.head)
        tried = [attempt for attempt in attempts if attempt.plan.get("action") != "baseline"]
        best = sorted(tried, key=gained, reverse=True)[:TRIED]
        if tried and tried[0] not in best:
            best[-1] = tried[0]
        return _found(best)

    def _menu(self, state: RunState) -> list[Found]:
        tried = {attempt.plan.get("case") for attempt in chain(self.artifacts, state.head)}
        facts = briefing(state, self.artifacts)
        bank = [as_item(case) for case in menu(self.cases, facts.get("kinds", []))]
        offered = self._winners(state, facts) + [self._kept(item, 1.0) for item in bank]
        return [found for found in offered if found[0] not in tried][:CASES]

    def _chosen(self, state: RunState) -> list[Found]:
        name = state.plan.get("case", "")
        return [(name, self.artifacts.json(name), 1.0)] if name else []

    # Where it comes from.

    def _winners(self, state: RunState, facts: Briefing) -> list[Found]:
        """Return scripts with which other runs won on data of the same shape, the nearest task's best first."""
        if not facts:
            return []
        hits = self._others(facts.get("summary", ""), "case", [{"signature": self.signature(facts)}])
        hits = [hit for hit in hits if set(hit[1].get("kinds", [])) == set(facts.get("kinds", []))]
        nearness: dict[str, float] = {}
        for _, item, similarity in hits:  # scores compare within a task only
            nearness[item["task"]] = max(similarity, nearness.get(item["task"], -1.0))

        def order(hit: Found) -> tuple[float, str, float, str]:
            task, score = hit[1]["task"], hit[1]["score"]
            return -nearness[task], task, -worth(score, _direction(state)), hit[0]

        best = _first(_first(sorted(hits, key=order), "run"), "name")[:WINNERS]
        return [self._kept(item, near) for _, item, near in best]

    def _repairs(self, state: RunState) -> list[Found]:
        """Return how this error was cured before, then how the most similar errors were."""
        error = state.run.get("error", "")
        if not error:
            return []
        scripts = {attempt.script for attempt in chain(self.artifacts, state.head)}
        wheres = ({"error": error}, None)
        found = self._own(error, "repair", wheres) + self._others(error, "repair", wheres)
        hits = [(name, item, 1.0 if item["error"] == error else near) for name, item, near in found]
        seen = [hit for hit in hits if hit[1]["run"] not in self.family or hit[1].get("script") in scripts]
        seen.sort(key=lambda hit: (hit[1]["error"] != error, -hit[2], hit[0]))
        return [self._kept(item, near) for _, item, near in _first(seen, "what") if near >= ALIKE][:REPAIRS]

    def _own(self, text: str, kind: str, wheres: Sequence[Where]) -> list[Found]:
        return _ask(self._store, text, kind, wheres) if Store(self.folder).ids() else []

    def _others(self, text: str, kind: str, wheres: Sequence[Where]) -> list[Found]:
        """Ask the shared store, open for this one moment. What this run and its origins have in there is left out."""
        if self.mode != "all" or self.shared is None or not self.shared.exists():
            return []
        with Shared(self.shared) as store:
            found = _ask(store, text, kind, [self._open(where) for where in wheres])
            return [hit for hit in found if hit[1]["run"] not in self.family]

    def _open(self, where: Where) -> Where:
        """Narrow a query to the items that this run's task may be shown."""
        if self.data not in LEAVE:
            return where
        leaves = {"data": {"$in": list(LEAVE)}}
        return {"$and": [where, leaves]} if where else leaves

    def _kept(self, item: Item, similarity: float) -> Found:
        """Put an item's content into this run's artifacts, where the node and a replay find it."""
        return self.artifacts.put_json(item), item, similarity

    def _recalled(self, name: str, item: Item, similarity: float) -> Recalled:
        from_bank = item["kind"] == "case" and "run" not in item
        mark = f" (imported: {item['imported']})" if item.get("imported") else ""
        place = f"{item.get('run', self.run)}/{item.get('step', 0)} {item.get('task', self.task)}{mark}"
        source = f"cases/{item['name']}" if from_bank else place
        return Recalled(id=name, kind=item["kind"], similarity=similarity, source=source)

    # What is kept.

    @cached_property
    def _store(self) -> Store:
        store = Store(self.folder)
        store.open()
        return store

    def remember(self, item: Mapping[str, Any]) -> str:
        """Keep an item {kind, text, ...} as an artifact and in the run's store, and return its id. Twice is once.

        The run, the task and its word on its data are added to it. Raises ValueError for an item of no known kind or without a text.
        """
        whole = {"task": self.task, "run": self.run} | dict(item) | {"data": self.data}
        store = self._store
        unmark(self.folder)
        store.upsert([whole])
        return self.artifacts.put_json(whole)

    def close_and_merge(self) -> None:
        """Let the run's store go and copy what is new in it into the shared store."""
        store = self.__dict__.pop("_store", None)
        if store is not None:
            store.close()
        if self.shared is not None:
            merge(self.folder, self.shared)


def _direction(state: RunState) -> str:
    return state.task.get("direction", "max")


def _found(attempts: Iterable[Attempt]) -> list[Found]:
    return [(attempt.id, attempt.as_json(), 1.0) for attempt in attempts]


def _ask(store: Store, text: str, kind: str, wheres: Sequence[Where]) -> list[Found]:
    """Return the items nearest to `text`, each `where` asked in turn."""
    hits = dict(hit for where in wheres for hit in store.query(text, kind, WIDE, where))
    return [(name, store.get(name), near) for name, near in hits.items()]


def _first(found: Sequence[Found], field: str) -> list[Found]:
    """Leave out items whose `field` an earlier one has too."""
    firsts: dict[Any, Found] = {}
    for hit in found:
        firsts.setdefault(hit[1].get(field), hit)
    return list(firsts.values())


def _once(found: Sequence[Found]) -> list[Found]:
    """Leave out what an earlier kind supplied too."""
    return list({hit[0]: hit for hit in reversed(found)}.values())[::-1]
