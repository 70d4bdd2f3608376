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
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.graph import END as LANGGRAPH_END
from langgraph.graph import START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from graphs.contract import NodeContractError, declared_fields, roles_of, supplied_history
from graphs.linter.graph import check
from graphs.model import END, RECALL, Graph, NodeSpec
from graphs.policy import decide, undo
from graphs.registry import load_node, load_predicate
from memory.state import NANO, RunState
from nodes.deps import Deps, Here
from nodes.notes import NOTE_BYTES
from prompts import FREE, variant

Compiled = CompiledStateGraph[Any, Any, Any, Any]
Step = Callable[[RunState, RunnableConfig], dict[str, Any]]


def compile_graph(spec: Graph, deps: Deps, checkpointer: Any = None) -> Compiled:
    """Bind `deps` to the nodes of `spec`, which imports their functions, and return a LangGraph graph over `RunState`.

    Raises GraphError, with one line a finding, for a graph that cannot be used.
    """
    check(spec, to_run=True)
    roles = roles_of(spec)
    builder = StateGraph(RunState)
    for name, node in spec.nodes.items():
        builder.add_node(name, _step(spec, roles, name, node, deps))  # type: ignore[call-overload]
        targets = dict.fromkeys(rule.to for rule in spec.rules_of(name))
        paths = {to: LANGGRAPH_END if to == END else to for to in targets}
        builder.add_conditional_edges(name, _routed, paths)  # type: ignore[arg-type]
    builder.add_edge(START, spec.start)
    return builder.compile(checkpointer=checkpointer, name=spec.name)


def _routed(state: RunState) -> str:
    return state.route["to"]


def _step(spec: Graph, roles: Mapping[str, str], name: str, node: NodeSpec, deps: Deps) -> Step:
    function = load_node(node.run)
    declared = declared_fields(function)
    coders = [other.ladder for called, other in spec.nodes.items() if roles.get(called, called) == "coder"]
    writers = tuple(rung for ladder in coders for rung in ladder)

    def step(state: RunState, config: RunnableConfig) -> dict[str, Any]:
        here = dataclasses.replace(
            _here(name, node, roles.get(name, name), state, config, deps), writers=writers
        )
        started = time.monotonic()
        # The node gets a copy: a mutation would otherwise leak into the channels behind the checkpoint's back.
        update = function(copy.deepcopy(state), dataclasses.replace(deps, here=here))
        seconds = round(time.monotonic() - started, 3)
        _refuse_undeclared(name, update, declared)
        left = dataclasses.replace(state, **update, spent=deps.models.spent())
        decided = settle(spec, roles, name, left, deps)
        decided["route"]["seconds"] = seconds
        return {**update, **_changed(decided, state, update)}

    return step


def _changed(decided: dict[str, Any], state: RunState, update: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what the decision left as it was: each field written costs some 0.3 KiB of the checkpoints' file.

    The first decision writes all, so that every field is there from then on.
    """
    return {k: v for k, v in decided.items() if not state.route or k in update or v != getattr(state, k)}


def redecide(spec: Graph, name: str, state: RunState, edit: Mapping[str, Any], deps: Deps) -> dict[str, Any]:
    """Take the decision after the node `name` again, in the state as edited: the fields to write.

    `graph.update_state(config, redecide(...), as_node=name)` makes a run go on from there (`as_node` alone would run
    the edge, but not what a step writes before it).
    """
    state = dataclasses.replace(undo(state), **edit)
    tops = {role: len(ladder) - 1 for role, ladder in spec.ladders.items()}  # another graph's may be shorter
    rungs = {role: min(rung, tops.get(role, rung)) for role, rung in state.rungs.items()}
    return {**edit, **settle(spec, roles_of(spec), name, dataclasses.replace(state, rungs=rungs), deps)}


def settle(spec: Graph, roles: Mapping[str, str], name: str, state: RunState, deps: Deps) -> dict[str, Any]:
    """Decide where the node `name` leads in `state`, and recall what the next one should know: the fields to write."""
    route, after = decide(name, spec.rules_of(name), state, spec.ladders, load_predicate, roles)
    to = route["to"]
    history = [] if to == END else deps.history.recall(to, supplied_history(spec.nodes[to]), after)
    moved = {"spent": after.spent, "rungs": after.rungs, "counts": after.counts}
    return {**moved, "route": route, "history": history}


def _here(name: str, node: NodeSpec, role: str, state: RunState, config: RunnableConfig, deps: Deps) -> Here:
    rung = state.rungs.get(name, 0)
    model = node.ladder[rung] if node.ladder else ""
    free = node.prompt and deps.models.able(model).is_free
    return Here(
        node=name,
        role=role,
        prompt=(free and variant(node.prompt, FREE)) or node.prompt,
        model="" if model == RECALL else model,
        ladder=node.ladder,
        budget=None if node.budget is None else round(node.budget * NANO),
        step=int(config["metadata"]["langgraph_step"]),
        # LangGraph derives the task's id from the checkpoint and the node: a step that is repeated after a crash has
        # the same one, a fork another.
        call=str(config["configurable"]["__pregel_task_id"]),
    )


def _refuse_undeclared(name: str, update: Mapping[str, Any], declared: frozenset[str]) -> None:
    extra = set(update) - declared
    if extra:
        raise NodeContractError(f"node {name!r} wrote {sorted(extra)} but declares only {sorted(declared)}")
    size = len(json.dumps(update.get("notes", {}).get(name)))
    if size > NOTE_BYTES:
        raise NodeContractError(f"node {name!r} keeps {size} bytes of notes; at most {NOTE_BYTES}")
