"""The table of docs/models.md: what the two embedded models show in the exercises of `budgetml models profile`.

    python tests/profile_table.py [--write] [--of rows.json]

Prints the table; --write puts it into the page. It takes some minutes of both cores, and says how busy the machine was
beside; --of takes what `budgetml models profile --json` printed before.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parents[1] / "docs" / "models.md"
BETWEEN = re.compile(r"(<!-- profiles -->\n).*?(<!-- end of profiles -->)", re.DOTALL)


def main() -> None:
    """Profile the embedded models and print, or write, the table."""
    raw = argparse.RawDescriptionHelpFormatter
    options = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    options.add_argument("--write", action="store_true", help="put the table into docs/models.md")
    options.add_argument("--of", type=Path, metavar="FILE", help="what the command printed before, as JSON")
    chosen = options.parse_args()
    told = table(json.loads(chosen.of.read_text()) if chosen.of else profiled())
    print(told)
    if chosen.write:
        PAGE.write_text(BETWEEN.sub(lambda m: m[1] + told + m[2], PAGE.read_text()))


def profiled() -> list[dict[str, Any]]:
    """Run the command."""
    print(f"load of the machine before: {os.getloadavg()[0]:.1f}", file=sys.stderr)
    with tempfile.TemporaryDirectory() as runs:
        command = ["budgetml", "models", "profile", "--json", "--runs-dir", runs]
        rows: list[dict[str, Any]] = json.loads(
            subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
        )
        return rows


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return a line for each exercise, with the models side by side."""
    titles = [f"{row['model']}: right (95%) | tokens out | seconds" for row in rows]
    head = f"| exercise | role | {' | '.join(titles)} |\n|{' --- |' * (2 + 3 * len(rows))}\n"
    lines = [
        f"| {each['name']} | {each['role']} | {' | '.join(cells(row['exercises'][place]) for row in rows)} |\n"
        for place, each in enumerate(rows[0]["exercises"])
    ]
    took = " | ".join(f"in all | {total(row, 'tokens_out'):,.0f} | {row['seconds']:.0f}" for row in rows)
    return f"{head}{''.join(lines)}| | | {took} |\n"


def cells(each: Mapping[str, Any]) -> str:
    """Return what a model has shown in an exercise."""
    if not each["asked"]:
        return "not asked | | "
    right = f"{each['right']} of {each['asked']} ({each['low']:.2f} to {each['high']:.2f})"
    return f"{right} | {each['tokens_out']:,} | {each['seconds']:.0f}"


def total(row: Mapping[str, Any], what: str) -> float:
    """Add up over a model's exercises."""
    return sum(each[what] for each in row["exercises"])


if __name__ == "__main__":
    main()
