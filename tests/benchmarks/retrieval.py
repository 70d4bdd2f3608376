"""Whether the right remembered item is found: recall@3 and MRR of exact agreement, similarity, and both (`memory.ranking.hybrid`).

    python tests/benchmarks/retrieval.py build FOLDER [TASK ...]   makes real runs, no model needed; minutes
    python tests/benchmarks/retrieval.py measure FOLDER [--misses]

`build` writes small tasks (`siblings.py`) and runs memory alone on two of each kind and on the bundled ones; then a scripted
team makes one mistake in each of some runs. Queries and their right answers stand in `retrieval.json`: a task under other columns
(right: the card of a task of its kind), an error of other code (right: the attempt that made the same mistake, or what mended it), a plan in other words
(right: the attempt that followed it). Every third query is held back: it is not looked at while the ranking is changed.
"""

import json
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

from fault_server import FaultServer, Turn
from siblings import SIBLINGS, write

from budgetmlagent import Session
from memory.cards import card
from memory.ranking import Found, Wanted, exactness, hybrid
from memory.store import Store
from nodes.craft.fingerprint import error_line, fingerprint
from nodes.craft.told import told

QUERIES = json.loads((HERE / "retrieval.json").read_text())
FAULTS: list[dict[str, Any]] = QUERIES["faults"]
ALONE = (
    "loans",
    "turbines",
    "flats",
    "used_cars",
    "tickets",
    "recipes",
    "bakery",
    "bicycles",
    "films",
    "songs",
    "crops",
    "rocks",
)
BUNDLED = ("flights", "glosses", "digits", "distances")
FAILING = ("loans", "tickets", "bakery")
MODELS = "models:\n  large: {{base_url: {url}, model: m, price: {{input: 1, output: 2}}}}\n"
FIRST, WIDE = 3, 100


# The memory.


def build(folder: Path, tasks: Sequence[str]) -> None:
    """Make the runs of `tasks`, by default all."""
    known = {task.name: write(task, folder / "tasks") for task in SIBLINGS}
    for name in tasks or (*ALONE, *BUNDLED):
        if name != "failing":
            Session(
                str(known.get(name, name)), "recall", turns=3, history="run", runs_dir=folder / "runs"
            ).run()
    if not tasks or "failing" in tasks:
        for place, fault in enumerate(FAULTS):
            failing(folder, known[FAILING[place % len(FAILING)]], place, fault)


def failing(folder: Path, task: Path, number: int, fault: Mapping[str, Any]) -> None:
    """Run a scripted team for one turn: it plans what the fault's plan says, makes its mistake, and mends it when told."""
    starter = (task / "env" / "train.py").read_text()

    def respond(body: Mapping[str, Any]) -> Turn:
        system, asked = body["messages"][0]["content"], body["messages"][-1]["content"]
        if "response_format" in body or "JSON only" in system:
            plan = {"action": "improve", "case": "", "change": "", "instruction": fault["plan"]}
            return Turn(json.dumps(plan))
        mended = f"mistake = {number}\n" in asked
        start = f"way = {number}" if mended else f"mistake = {number}\n{fault['code']}"
        return Turn(f"```python\n{start}\n{starter}```")

    with FaultServer(respond=respond) as server:
        (folder / "models.yaml").write_text(MODELS.format(url=server.url))
        models = str(folder / "models.yaml")
        Session(str(task), "single_agent", models, turns=1, history="run", runs_dir=folder / "runs").run()


# The queries.


@dataclass(frozen=True)
class Query:
    group: str
    kinds: tuple[str, ...]  # of the items that are searched
    wanted: Wanted
    right: frozenset[str]  # ids


def queries(items: Mapping[str, Mapping[str, Any]], folder: Path) -> Iterator[Query]:
    """Yield the queries with their right answers among the stored items."""
    cards = {item["task"]: (name, item) for name, item in items.items() if item["kind"] == "card"}
    kinds = {task.name: task.kind for task in SIBLINGS}
    for place, asked in enumerate(QUERIES["tasks"]):
        like = asked["like"]
        right = {name for task, (name, _) in cards.items() if kinds.get(task, task) == kinds.get(like, like)}
        yield Query("another task", ("card",), _sibling(folder, asked, place), frozenset(right))
    for name, item in cards.values():
        wanted = Wanted(item["text"], frozenset(item["kinds"]), item["signature"], item["metric"])
        yield Query("the same task", ("card",), wanted, frozenset({name}))
    for fault in FAULTS:
        attempts = {
            n: i
            for n, i in items.items()
            if i["kind"] == "attempt" and i["plan"].get("instruction") == fault["plan"]
        }
        runs = {item["run"] for item in attempts.values()}
        repairs = frozenset(n for n, i in items.items() if i["kind"] == "repair" and i["run"] in runs)
        for code in (fault["code"], *fault["errors"]):
            group = "the same error" if code == fault["code"] else "another error"
            tail = raised(f"mistake = {FAULTS.index(fault)}\n{code}\n")
            wanted = Wanted(told(error_line(tail)), error=fingerprint(tail))
            yield Query(group, ("attempt", "repair"), wanted, repairs | frozenset(attempts))
        for words in fault["again"]:
            yield Query("a plan", ("attempt",), Wanted(words), frozenset(attempts))


def _sibling(folder: Path, asked: Mapping[str, Any], place: int) -> Wanted:
    """Make the card of a task that was never run: a recorded briefing under other columns."""
    facts = briefing_of(folder, asked["like"])
    columns, metric = asked["columns"], facts["metric"]["name"]
    if facts.get("table") and columns:
        table = facts["table"] | {"features": columns[:-1], "targets": columns[-1:]}
        facts = facts | {"table": table, "submission": facts["submission"] | {"columns": ["id", columns[-1]]}}
    else:
        facts = facts | {"files": [*facts["files"], {"name": f"{place}.txt", "bytes": 1, "what": "text"}]}
    made = card(facts, asked["text"], metric, facts["direction"])
    return Wanted(made["text"], frozenset(made["kinds"]), made["signature"], metric)


def briefing_of(folder: Path, task: str) -> dict[str, Any]:
    """Return the briefing that a recorded run of the task made."""
    run = sorted((folder / "runs").glob(f"{task}-2*"))[0]
    for path in sorted((run / "artifacts").iterdir()):
        raw = path.read_bytes()
        if raw.startswith(b"{") and b'"kinds"' in raw and b'"submission"' in raw:
            found: dict[str, Any] = json.loads(raw)
            if "kind" not in found and "files" in found:
                return found
    raise SystemExit(f"{run}: no briefing")


def raised(code: str) -> str:
    """Return the traceback of code as a script's output has it."""
    try:
        exec(compile(code, "train.py", "exec"), {})
    except (ValueError, TypeError, KeyError, AttributeError):  # what the mistake raises is asked for
        lines = traceback.format_exc().replace('"train.py"', '"/work/train.py"').splitlines()
        last = max(i for i, line in enumerate(lines) if "/work/train.py" in line)
        number = int(lines[last].split("line ")[1].split(",")[0])
        return "\n".join([*lines[: last + 1], "    " + code.splitlines()[number - 1], *lines[last + 1 :]])
    raise SystemExit(f"no mistake: {code}")


# The measure.


def ways(store: Store, query: Query) -> dict[str, list[str]]:
    """Return the ids in the order of each way to search."""
    wheres = [{"error": query.wanted.error}, {"signature": query.wanted.signature}, None]
    asked = [where for where in wheres if where is None or all(where.values())]
    hits = {
        name: near
        for kind in query.kinds
        for where in asked
        for name, near in store.query(query.wanted.text, kind, WIDE, where)
    }
    found: list[Found] = [(name, store.get(name), near) for name, near in hits.items()]
    exact = [hit for hit in found if exactness(query.wanted, hit[1]) > 0]
    exact.sort(key=lambda hit: (-exactness(query.wanted, hit[1]), hit[0]))
    orders = {
        "exact": exact,
        "similarity": sorted(found, key=lambda hit: (-hit[2], hit[0])),
        "hybrid": hybrid(query.wanted, found, {}, {}),
    }
    return {way: [name for name, _, _ in order] for way, order in orders.items()}


def measure(folder: Path, misses: bool) -> None:
    """Print recall@3 and MRR for each way, on the queries for tuning and on those held back."""
    with Store(folder / "runs" / "history") as store:
        items = {name: item for kind in ("card", "repair", "attempt") for name, item in store.iterate(kind)}
        asked = list(queries(items, folder))
        results = [(query, ways(store, query)) for query in asked]
    counts = {
        kind: sum(item["kind"] == kind for item in items.values()) for kind in ("card", "repair", "attempt")
    }
    print(f"{len(asked)} queries; items: {counts}")
    for half, held in (("for tuning", False), ("held back", True)):
        chosen = [result for place, result in enumerate(results) if (place % 3 == 2) == held]
        for group in (*dict.fromkeys(query.group for query in asked), "all"):
            part = [(q, orders) for q, orders in chosen if group in (q.group, "all")]
            line = "  ".join(f"{way} {_figures(part, way)}" for way in ("exact", "similarity", "hybrid"))
            print(f"{half:10} {group:15} {len(part):3}  {line}")
        if misses and not held:
            for query, orders in chosen:
                if not query.right & set(orders["hybrid"][:FIRST]):
                    best = [items[name]["text"][:70] for name in orders["hybrid"][:FIRST]]
                    print(
                        f"miss: {query.group}: {query.wanted.text[:120]!r}: {best}; right {len(query.right)}"
                    )


def _figures(part: Sequence[tuple[Query, Mapping[str, list[str]]]], way: str) -> str:
    ranks = [next((i for i, n in enumerate(orders[way], 1) if n in query.right), 0) for query, orders in part]
    recall = sum(0 < rank <= FIRST for rank in ranks) / max(1, len(ranks))
    return f"{recall:.2f} {sum(1 / rank for rank in ranks if rank) / max(1, len(ranks)):.2f}"


if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1] not in ("build", "measure"):
        raise SystemExit(__doc__)
    if sys.argv[1] == "build":
        build(Path(sys.argv[2]), sys.argv[3:])
    else:
        measure(Path(sys.argv[2]), "--misses" in sys.argv)
