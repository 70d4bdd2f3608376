"""What another try by a model is likely to bring and to cost, as its tries tell: those of this run, before them others'.

Pure: no artifact is read.
"""

from collections.abc import Iterable, Mapping

from memory.state import Counts, Known, RunState, Skill, Task, Way

NEWEST = 8  # tries that are remembered: what is older weighs less than a hundredth
# What a first try is believed to bring, in percent of the score before it. Of a model that plans freely as much as counts
# as success; of one that chooses from a list far less, and of one that can only move a number of the script next to nothing.
FREE, WRITES, MOVES = 10.0, 2.0, 0.5
CAREFUL = 3  # tries in other runs that weigh as much as that guess: a few do not make a belief, many do
MOST = 20.0  # of a gain that counts: what was gained once in a leap is not gained again
COPIED = 2  # a script with one change is mostly copied: a model does that with one twice as long as it writes by itself
ASKED = 3  # times what it writes, up to which it is asked: of longer ones come back copies, or parts


def can_change(lines: int, writes: int, *, edits: bool) -> bool:
    """Tell whether a model that writes scripts of `writes` lines, or `edits` any, is asked for a change of one of `lines`."""
    return edits or (writes > 0 and lines <= ASKED * writes)


def counted(counts: Counts, model: str, gain: float = 0.0, spent: int = 0) -> Counts:
    """Return the counts with one more try of `model`."""
    ways = dict(counts.get("ways", {}))
    way = ways.get(model, Way(tries=0, spent=0, gains=[]))
    gains = [*way["gains"], round(min(gain, MOST), 2)][-NEWEST:]
    ways[model] = Way(tries=way["tries"] + 1, spent=way["spent"] + spent, gains=gains)
    return counts | {"ways": ways}


def dearest(state: RunState, names: Iterable[str]) -> str:
    """Return the dearest model of `names`; "" where none of them is a model of the run."""
    models = state.task.get("models", {})
    return max((n for n in names if n in models), key=lambda name: models[name]["call"], default="")


def hope(state: RunState, model: str) -> float:
    """Return what the next try of `model` is likely to bring, in percent.

    What was believed first (`belief`) each of its tries moves halfway to its gain, and before them each try of another model a
    quarter of the way: what one model has gained, or looks for in vain, is gained or hard to find for the others, too.
    """
    skill = state.task.get("models", {}).get(model)
    if skill is None:
        return 0.0
    believed = belief(_careful(skill, state.best.get("lines", 0)), skill.get("known"))
    ways = state.counts.get("ways", {})
    for gain in (gain for name, way in ways.items() if name != model for gain in way["gains"]):
        believed += (gain - believed) / 4
    for gain in ways.get(model, Way(tries=0, spent=0, gains=[]))["gains"]:
        believed += (gain - believed) / 2
    return round(believed, 3)


def belief(careful: float, known: Known | None) -> float:
    """Return what is believed before a first try: a `careful` guess, moved to the mean of tries elsewhere as they are many."""
    if not known:
        return careful
    return (CAREFUL * careful + known["tries"] * known["gain"]) / (CAREFUL + known["tries"])


def _careful(skill: Skill, lines: int) -> float:
    if skill["free"]:
        return FREE
    return WRITES if skill.get("edits") or lines <= COPIED * skill["lines"] else MOVES


def cost(state: RunState, model: str) -> int:
    """Return what a try of `model` costs, in nano-dollars: as measured in this run, before its first elsewhere, else by its price."""
    way = state.counts.get("ways", {}).get(model)
    if way and way["spent"]:
        return way["spent"] // way["tries"]
    skill = state.task.get("models", {}).get(model)
    known = skill.get("known") if skill else None
    return (known and known["spent"]) or (skill["call"] if skill else 0)


def tries_known(state: RunState) -> dict[str, int]:
    """Return how many tries in other runs the hopes begin with, by model, for those that have any."""
    models = state.task.get("models", {})
    return {name: skill["known"]["tries"] for name, skill in models.items() if "known" in skill}


def with_known(task: Task, known: Mapping[str, Known]) -> Task:
    """Return the task with what memory knows of its models' tries."""
    models = task.get("models", {}).items()
    told = {n: Skill(**skill | {"known": known[n]}) if n in known else skill for n, skill in models}
    return Task(**task | {"models": told})
