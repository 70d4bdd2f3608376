"""What a run's best scripts make together, where it has time to spare: their answers averaged, or one's with several seeds.

Scripts of different kinds err on different rows, and a seed is chance: an average is mostly better than its best member.
"""

import math
import re
from collections.abc import Iterator, Sequence

from memory.attempts import Attempt, Reader
from memory.briefing import Briefing
from memory.items import Item
from memory.scores import gain, worth

SIZES = (2, 3)  # how many scripts are averaged
SEEDS = 5
SPARED = 0.8  # share of the time of one execution that the members may take together
NEAR = 0.5  # share of the best gain that a member has itself, at least
AVERAGE = '"""Average of '  # how its script begins: it is no member itself
SEED = re.compile(r"\b(random_state|seed)=(\d{1,6})\b")
FRAME = '''"""Average of {what}."""
import pandas as pd

MEMBERS = [
{members}
]
tables = []
for script in MEMBERS:
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
) -> Iterator[Item]:
    """Yield cases whose scripts average what the attempts submitted: the best ones', and the best one's with other seeds.

    `seconds` is the limit of one execution, which the members share, `left` what is left of the run's time. None is made where a submission is no CSV table.
    """
    file = facts.get("submission", {}).get("file", "")
    if not file.endswith(".csv"):
        return
    best = _best(attempts, artifacts, direction)
    room = SPARED * min(seconds, left)
    for size in SIZES:
        members = best[:size]
        if len(members) == size and sum(each.seconds for each in members) <= room:
            texts = [artifacts.text(each.script) for each in members]
            yield _item(
                f"average_{size}", f"The answers of the {size} best scripts so far, averaged", texts, file
            )
    if best:
        script = artifacts.text(best[0].script)
        number = min(SEEDS, int(SPARED * seconds / max(best[0].seconds, 0.1)))
        if number > 1 and number * best[0].seconds <= room and SEED.search(script):
            seeds = [_seeded(script, by) for by in range(number)]
            yield _item("seeds", "The best script with several seeds, averaged", seeds, file)


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


def _seeded(script: str, by: int) -> str:
    """The script with other seeds: each number that is one plus `by`."""
    return SEED.sub(lambda seed: f"{seed[1]}={int(seed[2]) + by}", script)


def _item(name: str, title: str, members: Sequence[str], file: str) -> Item:
    texts = ",\n".join(_literal(script) for script in members)
    script = FRAME.format(what=f"{len(members)} scripts' answers", members=texts, file=file)
    return {
        "kind": "case", "name": name, "title": title, "text": title, "kinds": [], "not": [], "rank": 90, "template": "", "edit": None, "shared": {},
        "script": script,
    }  # fmt: skip


def _literal(script: str) -> str:
    """A text as Python writes it, with its lines where they can be read."""
    plain = "'''" not in script and "\\" not in script and not script.endswith("'")
    return f"'''{script}'''" if plain else repr(script)
