"""What is wrong with a graph, and where."""

from typing import Literal, NamedTuple

Kind = Literal[
    # the file
    "yaml", "duplicate-key", "unknown-key", "missing-key", "type", "fan-out",
    # names
    "reserved-name", "unknown-node", "unknown-function", "unusable-function", "unknown-predicate", "unknown-role",
    "unknown-model", "unknown-prompt", "subgraph", "idle-budget", "auto-ladder",
    # rules
    "no-rules", "last-rule", "dead-rule", "covered-rule", "argument", "one-rung", "idle-faults",
    # ways through the graph
    "unreachable", "no-end", "endless",
    # what nodes read and write
    "prompt-variable", "no-prompt", "shared-field",
    # what a node goes without, in a graph that runs all the same
    "unused-rung", "lost-recall", "idle-rule",
    # what was not imported
    "not-judged",
]  # fmt: skip

Keys = tuple[str | int, ...]  # the way from the top of a graph to a value: ("rules", "coder", 0, "to")
Problem = tuple[Keys, Kind, str]  # where, which, what: a finding before its line is known


def called(keys: Keys) -> str:
    """Return the way to a value as findings name it: `rule 1 of 'coder': to`, `fault 3`."""
    match keys:
        case ("nodes", name, *rest):
            words = [f"node {name!r}", *rest]
        case ("rules", node, int() as index, *rest):
            words = [f"rule {index + 1} of {node!r}", *rest]
        case ("rules", node):
            words = [f"rules of {node!r}"]
        case ("faults", int() as index, *rest):
            words = [f"fault {index + 1}", *rest]
        case _:
            words = list(keys)
    return ": ".join(map(str, words))


class Finding(NamedTuple):
    """One thing that is wrong with a graph; `str` gives `file:line:column: what`, counted from 1."""

    path: str
    line: int
    column: int
    kind: Kind
    what: str  # and what to do
    keys: Keys = ()  # the way to what is wrong; () where the text is no graph

    def __str__(self) -> str:
        """Render it as a compiler does, so that editors can jump to it."""
        return _one_line(f"{self.path}:{self.line}:{self.column}: {self.what}")


def _one_line(text: str) -> str:
    return " ".join(text.splitlines())  # a key may hold line breaks


class GraphError(Exception):
    """A graph that cannot be used, a line a finding; or an edit or a name that cannot be, in one line."""

    def __init__(self, *what: Finding | str) -> None:
        self.lines = [_one_line(str(each)) for each in what]
        super().__init__("\n".join(self.lines))
        self.findings = [finding for finding in what if isinstance(finding, Finding)]

    def _render_traceback_(self) -> list[str]:
        """What IPython shows of it: the words alone, as no line of the program is at fault."""
        return [f"{type(self).__name__}: {self}"]
