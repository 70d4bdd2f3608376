"""Make the generated parts of the documentation again, or (--check) say which are out of date.

The picture of the graph in README.md is drawn from graphs/budgetml.yaml: what it shows is what runs. The JSON Schema of
graph files, graphs/graph.schema.json, is made from the models and predicates. docs/graphs.md shows every shipped graph. The
tables of docs/security.md come from a run, `python tests/attacks.py --write`; here only their rows are checked.
"""

import json
import re
import sys
from itertools import takewhile
from pathlib import Path

from security_page import PAGE, stale

from graphs.drawing.mermaid import mermaid, outline
from graphs.linter.schema import schema
from graphs.spec import SHIPPED, GraphSpec, shipped

ROOT = Path(__file__).resolve().parents[1]
MARK = re.compile(r"(<!-- graph: (\w+) -->\n```mermaid\n).*?(```\n)", re.DOTALL)


def readme(text: str) -> str:
    """Return README's text with every marked picture drawn afresh."""
    return MARK.sub(lambda m: m[1] + mermaid(GraphSpec.load(m[2])) + m[3], text)


GRAPHS = """# The shipped graphs

Made by `python tests/generated.py` from `graphs/*.yaml`: what is drawn here is what runs. The thick way is the usual one; orange
asks the expert, dashed is where a role moves up its ladder of models (which stands in its node), what ends the run has a cross. What
leads a node back to itself, and its own rules about faults, stand in it. The rules of a node are tried in the order of their
numbers, the first that holds wins. They are told in words, made from the predicate and its arguments; below each picture they stand as in the file, where ↑
and ↓ move a role up or down. Every node with a ladder has the rules in the graph's `faults` too: after the rules about faults with
which its own list begins, and before the rest of it; `again` is the node itself.

`budgetml graph draw GRAPH --out FILE.svg` makes a picture, with `--detail` each rule about faults is an arrow; an arrow under the
pointer says all of its rules. `budgetml graph draw --run RUN` draws the path of a run on its graph.

In the place of names, `ladder: auto` (or `[recall, auto]`) stands for all models of models.yaml, in the order of what a success
in the node's role costs by their [profiles](models.md#profiles), else of their prices; one that never succeeded there is left out, and where
the task says `data: stays` each that is elsewhere. It is fixed when a run begins: `--dry-run` shows it, and the run's own graph has the names.
"""


def graphs() -> str:
    """Return docs/graphs.md: each shipped graph in a sentence, as a picture and as text."""
    return GRAPHS + "".join(
        f"\n## {name}\n\n{_sentence(name)}\n\n```mermaid\n{mermaid(spec)}```\n\n```text\n{outline(spec)}```\n"
        for name in shipped()
        for spec in [GraphSpec.load(name)]
    )


def _sentence(name: str) -> str:
    """Return the first sentence of the comment that a graph's file begins with."""
    lines = (SHIPPED / f"{name}.yaml").read_text(encoding="utf-8").splitlines()
    comment = " ".join(
        line.lstrip("# ")
        for line in takewhile(lambda line: line.startswith("#"), lines)
        if "$schema" not in line
    )
    return re.split(r"(?<=\.) ", comment, maxsplit=1)[0]


def main() -> None:
    readme_path, schema_path = ROOT / "README.md", ROOT / "graphs" / "graph.schema.json"
    made = {
        readme_path: readme(readme_path.read_text(encoding="utf-8")),
        ROOT / "docs" / "graphs.md": graphs(),
        schema_path: json.dumps(schema(), indent=2, ensure_ascii=False) + "\n",
    }
    old = [
        path for path, text in made.items() if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]
    if old and "--check" in sys.argv:
        names = ", ".join(str(path.relative_to(ROOT)) for path in old)
        sys.exit(f"out of date: {names}; run `python tests/generated.py`")
    if rows := stale(PAGE.read_text(encoding="utf-8")):
        sys.exit(f"docs/security.md: rows differ: {'; '.join(rows)}; run `python tests/attacks.py --write`")
    for path in old:
        path.write_text(made[path], encoding="utf-8")


if __name__ == "__main__":
    main()
