"""The table of docs/models.md: what comes of two runs at each kind of endpoint, and at servers of your own.

    python tests/endpoint_table.py [--write] [--url NAME=URL,MODEL ...]

Prints the table; --write puts it into the page. `--url llama.cpp=http://127.0.0.1:8080/v1,my-model` adds a server that
runs now. Status 1 where something is not as it should be, which is said.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from endpoint_runs import TURNS, Seen, at_kind, at_url, dollars, shortcomings
from endpoints import KINDS
from rich.console import Console
from rich.progress import track

PAGE = Path(__file__).resolve().parents[1] / "docs" / "models.md"
TITLES = ("Endpoint", "First run", "Second run", "Tokens thought", "Charged, and billed", "Outcome")
HEAD = f"| {' | '.join(TITLES)} |\n|{' --- |' * len(TITLES)}\n"
Runs = Callable[[Path], tuple[Seen, Seen]]  # in a folder


def main() -> None:
    """Run twice at each endpoint and print, or write, the tables."""
    raw = argparse.RawDescriptionHelpFormatter
    options = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    options.add_argument("--write", action="store_true", help="put the tables into docs/models.md")
    options.add_argument("--url", action="append", default=[], type=own, metavar="NAME=URL,MODEL")
    chosen = options.parse_args()
    kinds = {f"`{name}`: {kind.about}": partial(at_kind, name) for name, kind in KINDS.items()}
    parts, wrong = {"endpoints": kinds, "servers": dict(chosen.url)}, []
    for part, endpoints in parts.items():
        rows = []
        for name, runs in track(endpoints.items(), part, console=Console(stderr=True)):
            first, second = afresh(runs)
            rows.append(row(name, first, second))
            wrong += [f"{name.split(':')[0]}: {line}" for line in shortcomings(first, second)]
        if rows and chosen.write:
            write(part, HEAD + "".join(rows))
        elif rows:
            print(HEAD + "".join(rows))
    if wrong:
        sys.exit("not as it should be:\n" + "\n".join(wrong))


def own(text: str) -> tuple[str, Runs]:
    """Read NAME=URL,MODEL."""
    name, _, rest = text.partition("=")
    url, _, model = rest.partition(",")
    if not (name and url.startswith("http") and model):
        raise argparse.ArgumentTypeError(f"{text!r}: NAME=URL,MODEL is wanted")
    return f"{name}: {model}", partial(at_url, url, model)


def afresh(runs: Runs) -> tuple[Seen, Seen]:
    """Run where nothing was found out before."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        os.environ["BUDGETML_CACHE"] = str(Path(folder) / "cache")
        return runs(Path(folder))


def row(name: str, first: Seen, second: Seen) -> str:
    """Return the line of an endpoint."""
    cells = [name, how(first), how(second), f"{first.thought:,}", money(first, second)]
    outcome = first.outcome if first.outcome == second.outcome else f"{first.outcome}; then {second.outcome}"
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in (*cells, outcome)) + " |\n"


def how(seen: Seen) -> str:
    """Say how far a run came and what stood in its way."""
    counts = {"refused": seen.refused, "cut off or empty": seen.short}
    said = [f"{count} {what}" for what, count in counts.items() if count]
    return ", ".join([f"{seen.turns} of {TURNS} turns", *said])


def money(*runs: Seen) -> str:
    """Say whether both runs were charged as the server billed them, and what the first cost."""
    charged = dollars(runs[0].charged)
    if any(seen.billed is None for seen in runs):
        return f"{charged} charged"
    wrong = [seen for seen in runs if seen.charged != seen.billed]
    return f"no: {dollars(wrong[0].charged)}, {dollars(wrong[0].billed or 0)}" if wrong else f"yes, {charged}"


def write(part: str, table: str) -> None:
    """Put a table between its marks in the page."""
    before, start, rest = PAGE.read_text(encoding="utf-8").partition(f"<!-- {part} -->\n")
    _, end, after = rest.partition(f"<!-- end of {part} -->\n")
    PAGE.write_text(before + start + table + end + after, encoding="utf-8")


if __name__ == "__main__":
    main()
