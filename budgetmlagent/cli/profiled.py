"""What `budgetml models profile` and `models list` tell of models' profiles."""

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from budgetmlagent.foreign import visible


def say(line: str) -> None:
    """Tell how it goes, on standard error."""
    print(f"budgetml: {line}", file=sys.stderr)


def lines(row: Mapping[str, Any]) -> Iterator[str]:
    """Yield the table of one model."""
    head = f"{row['name']} ({row['model']} at {row['host']}), {row['seconds']:.0f} s, ${row['usd']:.6f} spent"
    kept = "what was measured is kept" if row["kept"] else "no profile is kept"
    yield f"{head}: {visible(row['detail'])}; {kept}" if row["detail"] else head
    if not row["kept"]:
        return
    yield f"  {'exercise':10s} {'role':8s} {'right':>6s}  {'95%':11s} {'in':>6s} {'out':>6s} {'thought':>7s} {'seconds':>7s}  dollars a success"
    yield from (f"  {_exercise(each)}" for each in row["exercises"] if each["asked"] or not row["detail"])
    yield f"  {can(row['able'])}"


def _exercise(each: Mapping[str, Any]) -> str:
    if not each["asked"]:
        return f"{each['name']:10s} {each['role']:8s} not asked, as the next shorter one was never right"
    numbers = " ".join(
        f"{each[name]:{width}d}" for name, width in (("tokens_in", 6), ("tokens_out", 6), ("thought", 7))
    )
    cost = "-" if each["usd_per_success"] is None else f"${each['usd_per_success']:.6f}"
    told = f"{each['right']:>2d} of {each['asked']:d}  {each['low']:.2f} - {each['high']:.2f} {numbers} {each['seconds']:7.1f}  {cost}"
    return f"{each['name']:10s} {each['role']:8s} {told}" + (
        f"  ({each['problem']})" if each["problem"] else ""
    )


def shown(row: Mapping[str, Any]) -> str:
    """Tell what a profile has shown, in short."""
    sure = f"{row['right']} of {row['asked']} answers right (95%: {row['low']:.2f} - {row['high']:.2f})"
    cost = row["usd_per_success"]
    return sure if cost is None else f"{sure}, ${cost:.6f} a success"


def can(able: Mapping[str, Any]) -> str:
    """Tell in words what is believed of a model."""
    plans = "plans freely" if able["plans"] == "free" else "chooses from a menu"
    writes = f"writes scripts of {able['lines']} lines" if able["lines"] else "writes no script"
    edits = "edits" if able["edits"] else "does not edit"
    return f"{plans}, {writes}, {edits}, in a window of {able['window']:,} tokens"
