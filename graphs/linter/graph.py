"""The linter: all that can be known to be wrong with a graph before it runs, and what its nodes go without."""

from collections.abc import Iterable, Iterator

from graphs.contract import reads_history, supplied_history
from graphs.files import SUFFIXES, shipped
from graphs.finding import Finding, GraphError, Keys, Kind, Problem, called
from graphs.linter.nodes import node_problems, shared_problems
from graphs.linter.rules import rule_problems
from graphs.linter.ways import way_problems
from graphs.model import AUTO, END, Graph, Rule
from graphs.policy import PREDICATES
from graphs.registry import load_node, load_predicate, nearest, shipped_nodes
from graphs.seen import Untold, see_node, see_predicate
from nodes.declares import recalls_of

MODELS = ("model", "than")  # arguments without which a predicate cannot hold: the name of a model
NAMES: set[Kind] = {"unknown-node", "unknown-predicate", "no-rules", "last-rule"}


def bring_in(spec: Graph) -> list[Finding]:
    """Import all that a graph names, which runs it, and return what cannot be had."""
    return _placed(spec, _brought_in(spec))


def lint(spec: Graph, models: Iterable[str] | None = None) -> list[Finding]:
    """Return the findings of a graph, in the order of its lines; none for one that can run.

    The models on its ladders are judged where `models`, the names of a models.yaml, is given.
    """
    names = None if models is None else list(models)
    problems = [*_names(spec), *node_problems(spec, names), *rule_problems(spec), *shared_problems(spec)]
    # With a name that leads nowhere, nearly every way would be found wanting: once is enough.
    if not any(kind in NAMES for _, kind, _ in problems):
        problems += way_problems(spec)
    return _placed(spec, problems)


def losses(spec: Graph) -> list[Finding]:
    """Return what the nodes of a graph without findings lack: rungs no rule leads to, history not supplied.

    And what could not be judged, because only to import it would tell.
    """
    return _placed(spec, [*_losses(spec), *_idle_names(spec), *_unjudged(spec)])


def check(spec: Graph, *, to_run: bool = False) -> None:
    """Raise GraphError, a line a finding, where the graph cannot be used.

    Nothing that it names is imported, unless it is to run: then what the source alone does not tell is judged too.
    """
    if findings := (bring_in(spec) if to_run else []) or lint(spec):
        raise GraphError(*findings)


def _names(spec: Graph) -> Iterator[Problem]:
    if spec.start not in spec.nodes:
        hint = nearest(spec.start, spec.nodes)
        yield ("start",), "unknown-node", f"start: unknown node {spec.start!r}{hint}"
    for name in spec.nodes:
        if not spec.rules.get(name):
            keys: Keys = ("rules", name) if name in spec.rules else ("nodes", name)
            yield keys, "no-rules", f"node {name!r} has no rules: give it at least `- {{to: {END}}}`"
    for name in spec.rules:
        if name not in spec.nodes:
            what = f"rules of an unknown node {name!r}{nearest(name, spec.nodes)}: remove them or add it"
            yield ("rules", name), "unknown-node", what


def _losses(spec: Graph) -> Iterator[Problem]:
    """Find what a node lacks that was renamed, doubled or given other history; the graph runs without."""
    raised = {rule.up for name in spec.nodes for rule in spec.rules_of(name)}
    for name, node in spec.nodes.items():
        if (len(node.ladder) > 1 or AUTO in node.ladder) and name not in raised:
            out = ", ".join(node.ladder[1:]) or "any model but the first"
            what = f"node {name!r}: no rule moves it up, so it never gets to {out}"
            yield ("nodes", name), "unused-rung", f"{what}: add `up: {name}` to a rule, or shorten its ladder"
        function = see_node(node.run)
        if isinstance(function, Untold):
            continue
        wanted = recalls_of(function)
        if not wanted and node.recalls is None and (reads_history(function) or name in shipped_nodes()):
            what = f"{node.run} declares no kinds of history, so it gets none"
            how = 'mark it `@declares(recalls=("cases", ...))`, or write `recalls: [cases, ...]` here'
            yield ("nodes", name), "lost-recall", f"node {name!r}: {what}: {how}"
        if missing := [kind for kind in wanted if kind not in supplied_history(node)]:
            what = f"recalls: {node.run} asks for {', '.join(missing)} too, which it does not get"
            yield ("nodes", name), "lost-recall", f"node {name!r}: {what}"


def _idle_names(spec: Graph) -> Iterator[Problem]:
    """Find shipped predicates that ask about a model on no ladder: they never hold, and the graph runs without."""
    ladders = {rung for ladder in spec.ladders.values() for rung in ladder}
    if "auto" in ladders:
        return  # which models stand there is known when a run begins
    for keys, rule in _placed_rules(spec):
        if rule.when in PREDICATES:
            for name in (rule.arguments[key] for key in MODELS if key in rule.arguments):
                if name not in ladders:
                    what = (
                        f"model {name!r} stands on no ladder{nearest(str(name), ladders)}, so it never holds"
                    )
                    yield keys, "idle-rule", f"{called(keys)}: {rule.when}: {what}: name one that does"


def _placed_rules(spec: Graph) -> Iterator[tuple[Keys, Rule]]:
    for node, fork in spec.rules.items():
        yield from ((("rules", node, i), rule) for i, rule in enumerate(fork))
    yield from ((("faults", i), rule) for i, rule in enumerate(spec.faults))


def _unjudged(spec: Graph) -> Iterator[Problem]:
    for keys, name in _functions(spec):
        function = see_node(name) if keys[0] == "nodes" else see_predicate(name)
        if isinstance(function, Untold):
            what = f"{name} was not judged, as its code was not run: {function.why}; `--import` runs it"
            yield keys, "not-judged", f"{called(keys)}: {what}"


def _brought_in(spec: Graph) -> Iterator[Problem]:
    for keys, name in _functions(spec):
        node = keys[0] == "nodes"
        try:
            load_node(name) if node else load_predicate(name)
        except LookupError as error:
            yield keys, "unknown-function" if node else "unknown-predicate", f"{called(keys)}: {error}"


def _functions(spec: Graph) -> Iterator[tuple[Keys, str]]:
    """Yield each function that the graph names, with where; what is a graph within it is none."""
    for name, node in spec.nodes.items():
        if node.run not in shipped() and not node.run.endswith(SUFFIXES):
            yield ("nodes", name), node.run
    for keys, rule in _placed_rules(spec):
        if rule.when:
            yield keys, rule.when


def _placed(spec: Graph, problems: Iterable[Problem]) -> list[Finding]:
    findings = [Finding(*spec.place(*keys), kind, what, keys) for keys, kind, what in problems]
    return sorted(findings, key=lambda finding: (finding.line, finding.column))
