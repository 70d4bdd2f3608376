"""Make the generated parts of the documentation again, or (--check) say which are out of date.

The picture of the graph in README.md is drawn from graphs/budgetml.yaml: what it shows is what runs.
"""

import re
import sys
from pathlib import Path

from graphs.draw import mermaid
from graphs.spec import GraphSpec

ROOT = Path(__file__).resolve().parents[1]
MARK = re.compile(r"(<!-- graph: (\w+) -->\n```mermaid\n).*?(```\n)", re.DOTALL)


def readme(text: str) -> str:
    """Return README's text with every marked picture drawn afresh."""
    return MARK.sub(lambda m: m[1] + mermaid(GraphSpec.load(m[2])) + m[3], text)


def main() -> None:
    path = ROOT / "README.md"
    old = path.read_text(encoding="utf-8")
    new = readme(old)
    if old == new:
        return
    if "--check" in sys.argv:
        sys.exit(f"{path.name}: the picture of the graph is out of date; run `python tests/generated.py`")
    path.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    main()
