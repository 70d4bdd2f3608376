"""From a spec to an ordinary LangGraph graph.

One step is: run the node; refuse an undeclared field; decide; apply the rule's effects; recall what the next node
should know; write all of it in one update, hence one checkpoint. The conditional edge only reads `state.route`, and
has the explicit path map of its rules, so the drawing cannot lie.
"""

import copy
import dataclasses
import json
import time
from collections.abc import Callable, Mapping
from typing import Any, get_type_hints

from langchain_core.runnables import RunnableConfig
from langgraph.graph import END as LANGGRAPH_END
from langgraph.graph import START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from graphs.policy import END, decide
from graphs.spec import RECALL, GraphSpec, NodeSpec, load_node, load_predicate
from memory.state import RunState
from nodes.deps import Deps, Here

NOTE_BYTES = 2048  # of JSON, at most, that an added node may keep under state.notes
Step = Callable[[RunState, RunnableConfig], dict[str, Any]]


class NodeContractError(Exception):
    """A node wrote what it did not declare."""


def compile_graph(
    spec: GraphSpec, deps: Deps, checkpointer: Any = None
) -> CompiledStateGraph[Any, Any, Any, Any]:
    """Bind `deps` to the nodes of `spec` and return a LangGraph graph over `RunState`."""
    builder = StateGraph(RunState)
    for name, node in spec.nodes.items():
        builder.add_node(name, _step(spec, name, node, deps))  # type: ignore[call-overload]
        targets = dict.fromkeys(rule.to for rule in spec.rules[name])
        paths = {to: LANGGRAPH_END if to == END else to for to in targets}
        builder.add_conditional_edges(name, _routed, paths)  # type: ignore[arg-type]
    builder.add_edge(START, spec.start)
    return builder.compile(checkpointer=checkpointer, name=spec.name)


def _routed(state: RunState) -> str:
    return state.route["to"]


def _step(spec: GraphSpec, name: str, node: NodeSpec, deps: Deps) -> Step:
    function = load_node(node.run)
    declared = declared_fields(function)

    def step(state: RunState, config: RunnableConfig) -> dict[str, Any]:
        here = _here(name, node, state, config)
        started = time.monotonic()
        # The node gets a copy: a mutation would otherwise leak into the channels behind the checkpoint's back.
        update = function(copy.deepcopy(state), dataclasses.replace(deps, here=here))
        seconds = round(time.monotonic() - started, 3)
        _refuse_undeclared(name, update, declared)
        left = dataclasses.replace(state, **update, spent=deps.models.spent())
        decided = settle(spec, name, left, deps, here.step)
        decided["route"]["seconds"] = seconds
        return {**update, **decided}

    return step


def settle(spec: GraphSpec, name: str, state: RunState, deps: Deps, step: int) -> dict[str, Any]:
    """Decide where the node `name` leads in `state`, and recall what the next one should know: the fields to write.

    For a state that was edited: `graph.update_state(config, edit | settle(...), as_node=name)`.
    """
    route, after = decide(name, spec.rules[name], state, spec.ladders, load_predicate)
    history = [] if route["to"] == END else deps.history.recall(route["to"], after, step)
    return {
        "spent": after.spent,
        "rungs": after.rungs,
        "counts": after.counts,
        "route": route,
        "history": history,
    }


def _here(name: str, node: NodeSpec, state: RunState, config: RunnableConfig) -> Here:
    rung = state.rungs.get(name, 0)
    model = node.ladder[rung] if node.ladder else ""
    return Here(
        node=name,
        prompt=node.prompt,
        model="" if model == RECALL else model,
        ladder=node.ladder,
        step=int(config["metadata"]["langgraph_step"]),
        # LangGraph derives the task's id from the checkpoint and the node: a step that is repeated after a crash has
        # the same one, a fork another.
        call=str(config["configurable"]["__pregel_task_id"]),
    )


def declared_fields(function: Callable[..., Any]) -> frozenset[str]:
    """Return the state's fields that a node may write: the keys of its return annotation."""
    update = get_type_hints(function).get("return")
    fields = frozenset(getattr(update, "__annotations__", ()))
    known = {f.name for f in dataclasses.fields(RunState)}
    name = getattr(function, "__name__", "node")
    if not fields:
        raise NodeContractError(
            f"{name}: annotate its return with a TypedDict(total=False) of the fields it writes"
        )
    if fields - known:
        raise NodeContractError(f"{name}: declares {sorted(fields - known)}, which the state does not have")
    return fields


def _refuse_undeclared(name: str, update: Mapping[str, Any], declared: frozenset[str]) -> None:
    extra = set(update) - declared
    if extra:
        raise NodeContractError(f"node {name!r} wrote {sorted(extra)} but declares only {sorted(declared)}")
    size = len(json.dumps(update.get("notes", {}).get(name)))
    if size > NOTE_BYTES:
        raise NodeContractError(f"node {name!r} keeps {size} bytes of notes; at most {NOTE_BYTES}")
