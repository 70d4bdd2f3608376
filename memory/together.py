"""What a run's best scripts make together, without a model: their answers averaged, or one's with several seeds.

Scripts of different kinds err on different rows, and a seed is chance: an average is mostly better than its best member. Where models
plan freely it is the last that a run does, as what they would go on from is a script and no heap of them; else it is memory's last case.
"""

import math
import re
from collections.abc import Iterable, Iterator, Sequence

from memory.attempts import Attempt, Reader
from memory.briefing import Briefing
from memory.items import Item, item_id
from memory.scores import gain, worth
from memory.state import RunState

ACTION = "average"  # the plan of one that is made at the end of a run
RULE = "average_left"  # the predicate of the rules that lead to it
SIZES = (3, 2)  # how many scripts are averaged
SEEDS = 5
SPARED = 0.8  # share of the time of one execution that the members may take together
NEAR = 0.5  # share of the best gain that a member has itself, at least
TIMED = "speed"  # a kind of task
AVERAGE = '"""Average of '  # how its script begins: it is no member itself
SEED = re.compile(r"\b(random_state|seed)=(\d{1,6})\b")
FRAME = '''"""Average of {what}."""
import contextlib
import os

import pandas as pd

MEMBERS = [
{members}
]
tables = []
for script in MEMBERS:
    # What a member says of itself is not said of all; one may end itself.
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere), contextlib.suppress(SystemExit):
        exec(compile(script, "member", "exec"), {{"__name__": "__main__"}})
    tables.append(pd.read_csv({file!r}, dtype=str, keep_default_na=False))
first, *others = tables
key = first.columns[0]
if first[key].is_unique:  # each may have its rows in an order of its own
    others = [table.set_index(key).loc[first[key]].reset_index()[first.columns] for table in others]
result = first.copy()
for column in first.columns[1:]:
    said = pd.concat([first[column], *(table[column] for table in others)], axis=1)
    numbers = said.apply(pd.to_numeric, errors="coerce")
    if numbers.notna().all().all() and (numbers % 1 != 0).any().any():
        result[column] = numbers.mean(axis=1)
    else:  # labels: the one that most of them say, else the best one's
        votes = said.apply(lambda row: row.map(row.value_counts()), axis=1)
        result[column] = [row.iloc[place] for (_, row), place in zip(said.iterrows(), votes.to_numpy().argmax(1))]
result.to_csv({file!r}, index=False)
'''


def averages(
    attempts: Sequence[Attempt],
    facts: Briefing,
    artifacts: Reader,
    direction: str,
    seconds: float,
    left: float = math.inf,
    *,
    seeds: bool = False,
) -> Iterator[Item]:
    """Yield cases whose scripts average what the attempts submitted: the best ones', and with `seeds` the best one's with others.

    `seconds` is the limit of one execution, which the members share, `left` what is left of the run's time. None is made where
    a submission is no CSV table, where time is what is scored, or where scripts report their scores themselves.
    """
    file = _table(facts)
    best = _best(attempts, artifacts, direction) if file else []
    if not best or best[0].reported:
        return
    room, wrote = SPARED * min(seconds, left), best[0].plan.get("wrote", "")
    groups = {len(group): group for size in SIZES if len(group := _fitting(best, size, room)) > 1}
    for size, group in groups.items():
        title = f"The answers of {size} of the best scripts so far, averaged"
        yield _item(f"average_{size}", title, [artifacts.text(each.script) for each in group], file, wrote)
    script = artifacts.text(best[0].script)
    number = min(SEEDS, int(room / max(best[0].seconds, 0.1)))
    if seeds and number > 1 and SEED.search(script):
        texts = [_seeded(script, by) for by in range(number)]
        yield _item("seeds", "The best script with several seeds, averaged", texts, file, wrote)


def can_average(facts: Briefing) -> bool:
    """Tell whether a task's submissions can be averaged: tables, where it is not time that is scored."""
    return bool(_table(facts))


def untried(made: Iterable[Item], attempts: Iterable[Attempt]) -> list[Item]:
    """Return those of the averages that none of the attempts was."""
    tried = {attempt.plan.get("case") for attempt in attempts}
    return [item for item in made if item_id(item) not in tried]


def is_due(state: RunState) -> bool:
    """Tell whether a rule leads to the planner for an average, as the run would end else."""
    return state.route.get("rule", "").partition(" ")[0] == RULE


def _table(facts: Briefing) -> str:
    """Return the name of a submission that can be averaged; "" of any other."""
    file = facts.get("submission", {}).get("file", "")
    return file if file.endswith(".csv") and TIMED not in facts.get("kinds", []) else ""


def _best(attempts: Sequence[Attempt], artifacts: Reader, direction: str) -> list[Attempt]:
    """The scripts that have a good part of the best gain, each once, the best one first."""
    known = [(attempt.score, attempt) for attempt in attempts if attempt.score is not None]
    first = [score for score, attempt in known if attempt.plan.get("action") == "baseline"]
    found = dict[str, Attempt]()
    for score, attempt in sorted(known, key=lambda pair: worth(pair[0], direction), reverse=True):
        if attempt.plan.get("action") == "baseline" or artifacts.text(attempt.script).startswith(AVERAGE):
            continue
        top = next(iter(found.values()), attempt)
        most = gain(first[-1], top.score or 0.0, direction) if first else 0.0
        if not found or (first and most > 0 and gain(first[-1], score, direction) >= NEAR * most):
            found.setdefault(attempt.ast, attempt)
    return list(found.values())


def _fitting(best: Sequence[Attempt], size: int, room: float) -> list[Attempt]:
    """The best one, and of the others the next that fit into the `room` in seconds with it, `size` at most."""
    group = list[Attempt]()
    for attempt in best:
        if sum(each.seconds for each in group) + attempt.seconds <= room and len(group) < size:
            group.append(attempt)
    return group if group[:1] == list(best[:1]) else []


def _seeded(script: str, by: int) -> str:
    """The script with other seeds: each number that is one plus `by`."""
    return SEED.sub(lambda seed: f"{seed[1]}={int(seed[2]) + by}", script)


def _item(name: str, title: str, members: Sequence[str], file: str, wrote: str) -> Item:
    texts = ",\n".join(_literal(script) for script in members)
    script = FRAME.format(what=f"{len(members)} scripts' answers", members=texts, file=file)
    return {
        "kind": "case", "name": name, "title": title, "text": title, "kinds": [], "not": [], "rank": 90, "template": "", "edit": None, "shared": {},
        "script": script, "members": len(members), "wrote": wrote,
    }  # fmt: skip


def _literal(script: str) -> str:
    """A text as Python writes it, with its lines where they can be read."""
    plain = "'''" not in script and "\\" not in script and not script.endswith("'")
    return f"'''{script}'''" if plain else repr(script)
