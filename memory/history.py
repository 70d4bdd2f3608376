"""Long-term memory: what a run supplies to its next node, and what it keeps.

The run's own attempts are read from the chain behind the state's head alone, like commits, so that no branch sees
another's future. Cases come from the bank and, with mode "all", from what other runs won with; repairs from this branch
and, with mode "all", from other runs; ideas from the experts of this branch and, with mode "all", of runs on tasks near
this one. The order of what is recalled depends on nothing but what is stored.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from memory import branch, similar
from memory.artifacts import Artifacts
from memory.attempts import Attempt, briefing, chain
from memory.briefing import Briefing
from memory.cards import card
from memory.cases import Case, as_item, menu
from memory.elsewhere import STAYS, Elsewhere
from memory.ideas import gathered, key, noted, tried
from memory.items import Item, source
from memory.neighbours import neighbours
from memory.own import Own
from memory.ranking import Found, Wanted, first, hybrid, once
from memory.shared import Place
from memory.sized import ran, sized, within
from memory.state import Recalled, RunState
from memory.together import averages, is_due, untried
from memory.winners import winners

Mode = Literal["off", "run", "all"]

CASES = 8  # of a menu
REPAIRS = 2
IDEAS = 6
SPARE = "spare"  # the kind of cases for runs that were given time to use
ALIKE = 0.6  # cosine similarity from which another error's repair may help
ROWS = "samples"  # the word on data under which models anywhere may see rows


class RunHistory:
    """The history of one run. It holds the run's own store from the first item kept until it is closed."""

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
        text: str = "",
        metric: str = "",
        seconds: float = 0.0,
        spare: bool = False,
        left: Callable[[], float] = lambda: math.inf,
        here: bool = False,
        models: Mapping[str, str] | None = None,
    ) -> None:
        """Set it up without opening anything.

        `data` is the task's word on what of its data may leave this machine: stays, schema or samples.
        `origins` are the runs that a fork comes from: it knows what they knew up to there, and nothing later.
        `ast_key` hashes a script's syntax tree; `signature` names what of a briefing must be equal for a script of
        another task to run on this one. `text` and `metric` are the task's: its card is made from them and a briefing.
        `seconds` are the limit of one execution; `spare` says that the run was given time to use, for cases that take as much as there is, and
        `left` what is left of that time. What depends on it is part of what is recalled, which a replay is given again.
        `models` are what each of the run's is known by in every run, by its name here.
        `here` says that all of the run's models are on this machine: what stays of this very task is for them, too.
        """
        self.artifacts, self.cases = artifacts, list(cases)
        self.own = Own(folder, Place(shared) if isinstance(shared, Path) else shared)
        self.mode, self.task, self.data, self.run = mode, task, data, run
        self.family = frozenset({run, *origins})
        self.ast_key, self.signature = ast_key, signature
        self.text, self.metric, self.here = text, metric, here
        self.models = dict(models or {})
        self.seconds, self.spare, self.left = seconds, spare, left
        self._lessons: tuple[object, list[similar.Taught]] = (None, [])  # what they were asked for, and they

    # What a node is given.

    def recall(self, node: str, kinds: Sequence[str], state: RunState) -> list[Recalled]:  # noqa: ARG002 - a replay needs it
        """Return the history of these `kinds` (`memory.state.Kind`); the contents are artifacts of this run.

        What this branch itself has tried is known in every mode; all else only where the history is not off.
        """
        supply: dict[str, Callable[[RunState], list[Found]]] = {
            "attempts": lambda state: branch.newest(self.artifacts, state),
            "highlights": lambda state: branch.highlights(self.artifacts, state),
            "same_script": lambda state: branch.same_script(self.artifacts, state, self.ast_key),
            "same_error": lambda state: branch.same_error(self.artifacts, state),
        }
        if self.mode != "off":
            supply |= {
                "cases": self._menu,
                "chosen_case": self._chosen,
                "repairs": self._repairs,
                "ideas": self._ideas,
                "similar": self._similar,
                "ways": self._ways,
            }
        found = [hit for kind in kinds if kind in supply for hit in supply[kind](state)]
        return [self._recalled(name, item, similarity) for name, item, similarity in once(found)]

    def _menu(self, state: RunState) -> list[Found]:
        attempts = list(chain(self.artifacts, state.head))
        tried = {attempt.plan.get("case") for attempt in attempts}
        facts = briefing(state, self.artifacts)
        if is_due(state):
            return self._together(attempts, state, facts)
        kinds = [*facts.get("kinds", []), *([SPARE] if self.spare else [])]
        bank = [as_item(case) for case in menu(self.cases, kinds)]
        won = self._winners(state, facts) if facts else []
        won_here = any(item["task"] == self.task for _, item, _ in won)
        lessons = self._taught(state) if bank else []
        ordered = similar.ordered(bank, lessons, self.task, won=won_here)
        seconds = within(self.seconds, self.left())
        left = sized(ordered, ran(attempts, self.artifacts), seconds if seconds < self.seconds else None)
        offered = won + [self._kept(item, 1.0) for item in left]
        offered += self._together(attempts, state, facts) if self.spare else []
        return [found for found in offered if found[0] not in tried][:CASES]

    def _together(self, attempts: Sequence[Attempt], state: RunState, facts: Briefing) -> list[Found]:
        """Return what the scripts of this branch make together and have not yet."""
        limits = self.seconds, self.left()
        made = averages(attempts, facts, self.artifacts, _direction(state), *limits, seeds=self.spare)
        return [self._kept(item, 1.0) for item in untried(made, attempts)]

    def _chosen(self, state: RunState) -> list[Found]:
        name = state.plan.get("case", "")
        return [(name, self.artifacts.json(name), 1.0)] if name else []

    def _similar(self, state: RunState) -> list[Found]:
        """Return lessons of other runs, as items of a kind of their own: `attempt` is this branch's."""
        offered = similar.chosen(self._taught(state))
        return [
            (*self._kept(one.item, one.similarity)[:1], one.item | {"kind": "similar"}, one.similarity)
            for one in offered
        ]

    def _ways(self, state: RunState) -> list[Found]:
        """Return what the models' tries brought in other runs, before the first attempt of this one."""
        facts = briefing(state, self.artifacts)
        if state.head or not facts:
            return []
        about = self._card(facts, state)
        calls = {name: skill["call"] for name, skill in state.task.get("models", {}).items()}
        found = self._elsewhere.look(lambda ask: [*similar.known(about, self.models, calls, ask).items()])
        item = {"kind": "ways", "text": "what the models' tries brought in other runs", "models": dict(found)}
        return [self._kept(item, 1.0)] if found else []

    # Where it comes from.

    @property
    def _elsewhere(self) -> Elsewhere:
        place, home = self.own.shared if self.mode == "all" else None, self.task if self.here else ""
        return Elsewhere(place, self.data, self.family, home)

    def _taught(self, state: RunState) -> list[similar.Taught]:
        """Return what other runs learned on tasks like this one; asked anew only where somebody has learned since."""
        key = (self.mode, state.task.get("briefing", ""), self._elsewhere.stamp())
        if self._lessons[0] != key:
            facts = briefing(state, self.artifacts)
            about = self._card(facts, state)
            self._lessons = key, self._elsewhere.look(lambda ask: similar.taught(about, ask)) if facts else []
        return self._lessons[1]

    def _card(self, facts: Briefing, state: RunState) -> Item:
        return card(facts, self.text, self.metric, _direction(state))

    def _winners(self, state: RunState, facts: Briefing) -> list[Found]:
        """Return scripts with which other runs won on data of the same shape."""
        found = winners(facts, self.signature(facts), _direction(state), self._elsewhere)
        return [self._kept(item, near) for _, item, near in found]

    def _repairs(self, state: RunState) -> list[Found]:
        """Return how this error was cured before, then how the most similar errors were."""
        error = state.run.get("error", "")
        if not error:
            return []
        scripts = {attempt.script for attempt in chain(self.artifacts, state.head)}
        wheres = ({"error": error}, None)
        text = state.fault.get("detail", "") or error  # its words; the fingerprint alone is like no other
        # Its own are all of its word on data, and so is the question.
        own = self.own.near(text, "repair", [self._elsewhere.narrow(where) for where in wheres])
        found = own + self._elsewhere.near(text, "repair", wheres)
        hits = [(name, item, 1.0 if item.get("error") == error else near) for name, item, near in found]
        seen = [
            hit for hit in hits if hit[1].get("run") not in self.family or hit[1].get("script") in scripts
        ]
        alike = [hit for hit in seen if hit[2] >= ALIKE]
        best = first(hybrid(Wanted(text, error=error), alike, {}, {}), "what")[:REPAIRS]
        return [self._kept(item, near) for _, item, near in best]

    def _ideas(self, state: RunState) -> list[Found]:
        """Return the ideas that this branch has not tried: those worth a turn first, then what came of the others."""
        own, facts = noted(state.notes), briefing(state, self.artifacts)
        found = [(name, self.artifacts.json(name), 1.0) for name in own]
        found += self._elsewhere.look(lambda ask: neighbours(self.task, facts, ask))
        known = tried(state, self.artifacts)
        left = [hit for hit in gathered(found, own) if key(hit[1]["what"]) not in known][:IDEAS]
        return [self._kept(item, similarity) for _, item, similarity in left]

    def _kept(self, item: Item, similarity: float) -> Found:
        """Put an item's content into this run's artifacts, where the node and a replay find it."""
        return self.artifacts.put_json(item), item, similarity

    def _recalled(self, name: str, item: Item, similarity: float) -> Recalled:
        from_bank = item["kind"] == "case" and "run" not in item
        place = f"cases/{item['name']}" if from_bank else source({"run": self.run, "task": self.task} | item)
        return Recalled(id=name, kind=item["kind"], similarity=similarity, source=place)

    # What is kept.

    def remember(self, item: Mapping[str, Any]) -> str:
        """Keep an item {kind, text, ...} as an artifact and in the run's store, and return its id. Twice is once.

        The run, the task and its word on its data are added to it; one that says that its data stay keeps that word, unless
        the task allows its rows to be shown, and so does all that is made where this run may have been shown such items. Raises ValueError for an item of no known kind or without a text.
        """
        whole = {"task": self.task, "run": self.run} | dict(item)
        if model := self.models.get(str(whole.get("model"))):
            whole["model"] = model  # a name on this run's ladder is another model elsewhere
        stays = self.data != ROWS and (item.get("data") == STAYS or self._elsewhere.learned_here())
        whole["data"] = STAYS if stays else self.data
        return self.artifacts.put_json(self.own.keep(whole))

    def close_and_merge(self) -> None:
        """Let the run's store go and copy what is new in it into the shared store."""
        for offer in similar.offers(item for item in self.own.kept("attempt") if item["run"] == self.run):
            self.remember(offer)
        self.own.close_and_merge()


def _direction(state: RunState) -> str:
    return state.task.get("direction", "max")
