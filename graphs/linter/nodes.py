"""Findings about nodes: names, functions, prompts, ladders, and what they write."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import prompts
from graphs import contract
from graphs.files import SUFFIXES, shipped
from graphs.finding import Kind, Problem
from graphs.model import AGAIN, AUTO, END, RECALL, Graph, NodeSpec
from graphs.registry import nearest
from graphs.seen import Untold, see_node

RESERVED = (END, AGAIN, "START", "__end__", "__start__", "")
OWN = "notes"  # each node keeps its own there, under its own name


def node_problems(spec: Graph, models: Sequence[str] | None) -> Iterator[Problem]:
    """Yield what is wrong with each node by itself."""
    for name, node in spec.nodes.items():
        function = _usable(node)
        for kind, what in (*_named(name), *_function(node), *_prompt(node, function), *_ladder(node, models)):
            yield ("nodes", name), kind, f"node {name!r}: {what}"


def _named(name: str) -> Iterator[tuple[Kind, str]]:
    if name in RESERVED or {":", "|"} & set(name):
        yield "reserved-name", "the name is reserved: take another, without `:` and `|`"


def _function(node: NodeSpec) -> Iterator[tuple[Kind, str]]:
    """Judge what `run` names."""
    try:
        named = node.run in shipped() or node.run.endswith(SUFFIXES)
        if named or _is_graph(function := see_node(node.run)):
            what = f"run: {node.run!r} is a graph: time travel does not work in a graph within a graph"
            yield "subgraph", f"{what}; write its nodes into this one"
            return
        if not isinstance(function, Untold):
            contract.check_callable(function)
            contract.declared_fields(function)
    except LookupError as error:
        yield "unknown-function", str(error)
    except contract.NodeContractError as error:
        yield "unusable-function", str(error)


def _is_graph(value: Any) -> bool:
    # By the name of its class: to import LangGraph would take longer than all the rest.
    ours = type(value).__module__.partition(".")[0] in ("langgraph", "graphs")
    return ours and not isinstance(value, Untold)


def _usable(node: NodeSpec) -> Any:
    """Return the node's function, None where something is wrong with it, or where it is not known."""
    function = see_node(node.run) if not list(_function(node)) else None
    return None if isinstance(function, Untold) else function


def _prompt(node: NodeSpec, function: Any) -> Iterator[tuple[Kind, str]]:
    supplied = contract.supplied(function) if function else None
    if not node.prompt:
        if supplied and any(model != RECALL for model in node.ladder):
            yield "no-prompt", "it asks models but has no prompt: add `prompt: …`"
        return
    for prompt in filter(None, (node.prompt, prompts.variant(node.prompt, prompts.FREE))):
        yield from _written(prompt, node.run, supplied)


def _written(prompt: str, run: str, supplied: frozenset[str] | None) -> Iterator[tuple[Kind, str]]:
    """Judge a prompt's file by the values that it is given."""
    try:
        missing = prompts.needs(prompt) - (supplied or frozenset())
    except LookupError as error:
        yield "unknown-prompt", str(error)
    except OSError:
        hint = nearest(prompt, prompts.shipped())
        known = "a name in prompts/, a .md file's path, or package:file.md"
        yield "unknown-prompt", f"unknown prompt {prompt!r}{hint}: {known}"
    except ValueError as error:
        yield "unknown-prompt", f"prompt {prompt!r} is no Jinja template: {error}"
    else:
        for name in sorted(missing) if supplied else ():
            used = f"{name!r}{nearest(name, supplied or ())}"
            yield "prompt-variable", f"prompt {prompt!r} uses {used}, which {run!r} does not supply"


def _ladder(node: NodeSpec, models: Sequence[str] | None) -> Iterator[tuple[Kind, str]]:
    if node.budget is not None and not set(node.ladder) - {RECALL}:
        yield "idle-budget", "it has a budget but asks no model: give it a ladder, or remove `budget`"
    if AUTO in node.ladder and node.ladder not in ((AUTO,), (RECALL, AUTO)):
        yield "auto-ladder", f"ladder: `{AUTO}` stands for all models: write `{AUTO}` or `[{RECALL}, {AUTO}]`"
    for model in node.ladder:
        if models is not None and model not in (*models, RECALL, AUTO):
            yield "unknown-model", f"ladder: {unknown_model(model, models)}"


def unknown_model(name: str, models: Collection[str]) -> str:
    """Say that models.yaml has no model of this name, and what helps."""
    known = f"models.yaml has {', '.join(models)}"
    return f"unknown model {name!r}{nearest(name, models)}; {known}: give one of them this name, or write `ladder: {AUTO}`"


def shared_problems(spec: Graph) -> Iterator[Problem]:
    """Yield each field that two different functions write without saying so: one would undo the other's word."""
    silent: dict[str, dict[Any, str]] = {}  # field -> function that does not say so -> its node
    for name, node in spec.nodes.items():
        if function := _usable(node):
            fields = contract.declared_fields(function) - contract.shared_fields(function) - {OWN}
            for field in sorted(fields):
                silent.setdefault(field, {}).setdefault(function, name)
    for field, writers in silent.items():
        if len(writers) > 1:
            *others, name = writers.values()
            remedy = f"where that is meant, write `{field}: Shared[…]` (memory.state) in the update of each"
            what = f"it writes {field!r}, and so does {', '.join(map(repr, others))}: {remedy}"
            yield ("nodes", name), "shared-field", f"node {name!r}: {what}"
