"""What other runs learned on this task and on those most like it: what gained most there, and what failed.

Tasks are found by their cards; a task's lessons are its attempts. What this module asks is already narrowed to what this task
may be shown (`memory.history.RunHistory`).
"""

from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any, NamedTuple, Protocol

from memory.lessons import Lesson, fitting, read, told
from memory.ranking import Found, Tally, Wanted, exactness, hybrid, newest_first, trust
from memory.scores import gain, worth
from memory.state import Known
from memory.ways import MOST

Where = Mapping[str, Any] | None


class Ask(Protocol):
    """Finds what other runs have stored."""

    def near(self, text: str, kind: str, wheres: Sequence[Where]) -> list[Found]:
        """Return the items nearest to `text`, each `where` asked in turn."""
        ...

    def having(self, kind: str, where: Mapping[str, Any], n: int) -> list[Found]:
        """Return `n` items that have what `where` says, those of the greatest gain first."""
        ...

    def sample(self, kind: str, where: Mapping[str, Any], n: int) -> list[Found]:
        """Return `n` items that have what `where` says, whatever they gained."""
        ...


TASKS = 3  # most similar tasks that are told of
GAINED, FAILED = 3, 2  # lessons of one task
LESSONS, OFFERS = (
    30,
    2_000,
)  # items that are read: of a task for each outcome, and counts of offers of all of these
ALIKE = (
    0.75  # cosine similarity from which a card of other kinds or another metric is of a task like this one
)
TRIES = 500  # attempts of a model that are read of what it brought
UNKNOWN = 0.5  # what a case is worth that no similar task has tried, of 0 to 1
SHORT = 12  # letters of an item's id in what counts its offers


class Taught(NamedTuple):
    """A lesson of a similar task, with the item that it was read from."""

    id: str
    item: dict[str, Any]
    lesson: Lesson
    similarity: float  # of its task to this one; 1.0 for this very task in another run
    tally: Tally


def taught(card: Mapping[str, Any], ask: Ask) -> list[Taught]:
    """Return the lessons of the most similar tasks, those of the nearest first."""
    lessons: list[Taught] = []
    for task, similarity in nearest(card, ask):
        words = [{"$and": [{"task": task}, {"status": word}]} for word in ("keep", "discard", "crash")]
        hits = [hit for where in words for hit in ask.having("attempt", where, LESSONS)]
        tallies = tallied([name for name, _, _ in hits], ask)
        read_in = [(name, item, read(item)) for name, item, _ in hits]
        lessons += [
            Taught(name, item, lesson, similarity, tallies.get(name, (0, 0)))
            for name, item, lesson in read_in
            if lesson is not None and lesson.about
        ]
    return lessons


def nearest(card: Mapping[str, Any], ask: Ask) -> list[tuple[str, float]]:
    """Return the names of the most similar tasks, each with its similarity, the nearest first."""
    text = str(card["text"])
    wanted = Wanted(text, frozenset(card["kinds"]), card["signature"], card["metric"])
    hits = ask.near(text, "card", [{"signature": card["signature"]}, None])
    for _ in range(TASKS):  # one task's many runs must not hide the others
        seen = sorted({str(item.get("task", "")) for _, item, _ in hits})
        if not seen or len(seen) >= TASKS:
            break
        hits += ask.near(text, "card", [{"task": {"$nin": seen}}])
    tasks: dict[str, float] = {}
    for _, item, similarity in hybrid(wanted, hits, {}, {}):
        same = item.get("signature") == card["signature"]
        if exactness(wanted, item) or similarity >= ALIKE:
            tasks.setdefault(str(item.get("task", "")), 1.0 if same else similarity)
    return list(tasks.items())[:TASKS]


def chosen(lessons: Sequence[Taught]) -> list[Taught]:
    """Return the lessons that are offered: of each task what gained most, then what failed; as many as there is room for."""
    picked: list[Taught] = []
    for task in dict.fromkeys(one.lesson.task for one in lessons):
        of_task = [one for one in lessons if one.lesson.task == task]
        gained = [one for one in of_task if one.lesson.above_noise > 0]
        gained.sort(
            key=lambda one: (-one.lesson.above_noise * trust(one.tally), newest_first(one.item), one.id)
        )
        failed = [one for one in of_task if one.lesson.failed]
        failed.sort(
            key=lambda one: (-trust(one.tally), one.lesson.status != "crash", newest_first(one.item), one.id)
        )
        picked += [*_told_once(gained)[:GAINED], *_told_once(failed)[:FAILED]]
    return picked[: fitting([told(one.lesson, one.similarity) for one in picked])]


def merits(lessons: Sequence[Taught]) -> dict[str, float]:
    """Return what each case of the bank was worth on similar tasks, by name: 1 as good as the best there, 0 no better than the starter.

    Nearer tasks weigh more; few lessons leave it near `UNKNOWN`. A case that only changes a script depends on what came before
    it, so that it can sink, but not rise.
    """
    sums: dict[str, tuple[float, float]] = {}
    best = _best(lessons)
    for one in lessons:
        lesson = one.lesson
        if lesson.case:
            total, weight = sums.get(lesson.case, (UNKNOWN / 2, 0.5))
            value = (
                min(UNKNOWN, _share(lesson, best)) if lesson.edit else _share(lesson, best) * trust(one.tally)
            )
            sums[lesson.case] = total + one.similarity * value, weight + one.similarity
    return {case: total / weight for case, (total, weight) in sums.items()}


def ordered(
    bank: Sequence[dict[str, Any]], lessons: Sequence[Taught], task: str, *, won: bool
) -> list[dict[str, Any]]:
    """Return the cases of the bank by their merits, among equals in the bank's order.

    What scored less on this very `task` than the best there is left out where that best is in hand: as a case of the bank, or
    since `won`, the script itself is offered.
    """
    best, worse = compared(lessons, task)
    known = worse if won or any(item["name"] in best for item in bank) else set[str]()
    merit = merits(lessons)
    left = [item for item in bank if item["name"] not in known]
    return sorted(left, key=lambda item: -merit.get(item["name"], UNKNOWN))


def compared(lessons: Sequence[Taught], task: str) -> tuple[set[str], set[str]]:
    """Return the names of the whole cases that other runs tried on this very task: those that scored best of all there, the others."""
    known = [one for one in lessons if one.lesson.task == task and one.similarity == 1.0]
    top = _best(known).get(task)
    tried = [one.lesson for one in known if one.lesson.case and not one.lesson.edit]
    scored = [
        (one.case, gain(one.score, top, one.direction))
        for one in tried
        if one.score is not None and top is not None
    ]
    best = {case for case, short in scored if short <= 0}
    return best, {case for case, _ in scored} - best


def known(
    card: Mapping[str, Any], models: Mapping[str, str], calls: Mapping[str, int], ask: Ask
) -> dict[str, Known]:
    """Return what tries of each of `models`, by its name what it is known by everywhere, brought on the most similar tasks.

    `calls` are what a usual call of each costs today, in nano-dollars: what a try cost at another price is told at this one.
    An import does not count: what a stranger says of a model moves no money.
    """
    tasks = [task for task, _ in nearest(card, ask)]
    found: dict[str, Known] = {}
    for name, model in models.items() if tasks else ():
        where = {"$and": [{"task": {"$in": tasks}}, {"model": model}]}
        items = [item for _, item, _ in ask.sample("attempt", where, TRIES) if not item.get("imported")]
        if tries := [lesson for lesson in map(read, items) if lesson]:
            found[name] = _mean(tries, calls.get(name, 0))
    return found


def _mean(lessons: Sequence[Lesson], call: int) -> Known:
    gain = fmean(min(one.gained, MOST) for one in lessons)
    spent = [max(0, one.spent) * call // one.call for one in lessons if one.call > 0]
    return Known(tries=len(lessons), gain=round(gain, 3), spent=sum(spent) // max(1, len(spent)))


def offers(attempts: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Count what a run's attempts were offered, and after how many a new best came: an item for each that was offered."""
    counts: dict[str, Tally] = {}
    for attempt in attempts:
        for name in attempt.get("plan", {}).get("offered", []):
            offered, helped = counts.get(name, (0, 0))
            counts[name] = offered + 1, helped + (attempt["status"] == "keep")
    return [
        {
            "kind": "offer",
            "of": name,
            "offered": n,
            "helped": k,
            "text": f"offer of {name}: {n}, a new best after {k}",
        }
        for name, (n, k) in sorted(counts.items())
    ]


def _best(lessons: Sequence[Taught]) -> dict[str, float]:
    """Return the best score on each task."""
    best: dict[str, float] = {}
    for lesson in (one.lesson for one in lessons):
        if lesson.score is not None and lesson.status == "keep":
            known = best.setdefault(lesson.task, lesson.score)
            best[lesson.task] = max(known, lesson.score, key=lambda score: worth(score, lesson.direction))
    return best


def _share(lesson: Lesson, best: Mapping[str, float]) -> float:
    """Return which part of the best gain over the starter a lesson's script had, 0 to 1."""
    top = best.get(lesson.task)
    if lesson.edit:
        return 1.0 if lesson.gained > 0 else 0.0
    if top is None or lesson.score is None or lesson.baseline is None:
        return 0.0
    whole = gain(lesson.baseline, top, lesson.direction)
    return (
        min(1.0, max(0.0, gain(lesson.baseline, lesson.score, lesson.direction) / whole))
        if whole > 0
        else 0.0
    )


def tallied(names: Sequence[str], ask: Ask) -> dict[str, Tally]:
    """Return how often each item was offered, and how often that helped, over all runs."""
    if not names:
        return {}
    offers = ask.having("offer", {"of": {"$in": [name[:SHORT] for name in names]}}, OFFERS)
    newest: dict[tuple[str, str], Tally] = {}  # a run that went on counted again
    for _, item, _ in offers:
        if isinstance(item.get("offered"), int) and isinstance(item.get("helped"), int):
            key, tally = (str(item.get("of")), str(item.get("run"))), (item["offered"], item["helped"])
            newest[key] = max(tally, newest.get(key, (0, 0)))
    return {
        name: (sum(t[0] for (of, _), t in newest.items() if of == name[:SHORT]), sum(t[1] for (of, _), t in newest.items() if of == name[:SHORT]))
        for name in names
    }  # fmt: skip


def _told_once(lessons: Sequence[Taught]) -> list[Taught]:
    """Leave out lessons that an earlier one tells too: runs of one task often try the same."""
    return list({one.lesson.plan.get("instruction", ""): one for one in reversed(lessons)}.values())[::-1]
