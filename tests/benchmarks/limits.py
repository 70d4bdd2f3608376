"""Four ways to limit an agent to three model calls, and how many requests a server counts under each.

    pip install 'budgetmlagent[bench]'; python tests/benchmarks/limits.py

The model always asks for its tool again, so that only the limit ends the loop. Each call costs the same ($0.001). Alone: one
loop. At once: eight loops in one process that share the limit as far as it can be shared. Again: the loop of the first
column, in a new process that goes on with what the first one kept on disk.
"""

import argparse
import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
from fault_server import FaultServer, Turn, _Handler, completion

CALLS, LOOPS, TOKENS = 3, 8, 100  # allowed, at once, of a reply
MODEL, USD = "gpt-4o", Decimal("0.001")  # 100 output tokens at $10 per million


class _Looping(_Handler):
    """Asks for the tool where the request offers one."""

    def _play(self, turn: Turn, request: Any) -> None:
        body = completion(turn, request)
        if request.body.get("tools"):
            asks = {"id": "call_1", "type": "function", "function": {"name": "again", "arguments": "{}"}}
            body["choices"][0] |= {"finish_reason": "tool_calls"}
            body["choices"][0]["message"] |= {"content": None, "tool_calls": [asks]}
        self._send(200, body)


def again() -> str:
    """Say that there is more to do."""
    return "go on"


def middleware(url: str, folder: Path, loops: int) -> None:
    """LangChain: `ModelCallLimitMiddleware(thread_limit=3)`, one thread, its state kept by a SqliteSaver."""
    from langchain.agents import create_agent
    from langchain.agents.middleware import ModelCallLimitMiddleware
    from langchain_openai import ChatOpenAI
    from langgraph.checkpoint.sqlite import SqliteSaver

    model = ChatOpenAI(model=MODEL, base_url=url, api_key="none", max_retries=0)  # type: ignore[arg-type]
    with SqliteSaver.from_conn_string(str(folder / "thread.sqlite")) as saver:
        limit = ModelCallLimitMiddleware(thread_limit=CALLS)
        agent = create_agent(model, [again], middleware=[limit], checkpointer=saver)
        config: Any = {"configurable": {"thread_id": "one"}, "recursion_limit": 50}
        at_once(loops, lambda: agent.invoke({"messages": [("user", "begin")]}, config))


def usage_limits(url: str, loops: int, **limits: Any) -> None:
    """pydantic-ai: `UsageLimits`, one `RunUsage` for all loops; it lives in memory."""
    from pydantic_ai import Agent, RunUsage, UsageLimitExceeded, UsageLimits
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    agent = Agent(OpenAIChatModel(MODEL, provider=OpenAIProvider(base_url=url, api_key="none")))
    agent.tool_plain(again)
    usage, limit = RunUsage(), UsageLimits(**{"request_limit": 50} | limits)

    async def loop() -> None:
        with suppress(UsageLimitExceeded):
            await agent.run("begin", usage=usage, usage_limits=limit)

    async def all_loops() -> None:
        await asyncio.gather(*(loop() for _ in range(loops)))

    asyncio.run(all_loops())


def requests(url: str, folder: Path, loops: int) -> None:
    """pydantic-ai: `UsageLimits(request_limit=3)`, one `RunUsage` for all loops."""
    usage_limits(url, loops, request_limit=CALLS)


def dollars(url: str, folder: Path, loops: int) -> None:
    """pydantic-ai: `UsageLimits(cost_limit=0.003)`, one `RunUsage` for all loops."""
    usage_limits(url, loops, cost_limit=CALLS * USD)


def recursion(url: str, folder: Path, loops: int) -> None:
    """LangGraph: `recursion_limit=3` of a graph whose one node asks the model and leads to itself."""
    from langchain_openai import ChatOpenAI
    from langgraph.errors import GraphRecursionError
    from langgraph.graph import START, MessagesState, StateGraph

    model = ChatOpenAI(model=MODEL, base_url=url, api_key="none", max_retries=0)  # type: ignore[arg-type]
    builder = StateGraph(MessagesState)
    builder.add_node("ask", lambda state: {"messages": [model.invoke("begin")]})
    builder.add_edge(START, "ask")
    builder.add_edge("ask", "ask")
    graph = builder.compile()

    def loop() -> None:
        with suppress(GraphRecursionError):
            graph.invoke({"messages": []}, {"recursion_limit": CALLS})

    at_once(loops, loop)


def ledger(url: str, folder: Path, loops: int) -> None:
    """This project: a run with a budget of $0.003."""
    from budgetmlagent.models.client import ModelClient
    from budgetmlagent.models.config import ModelSpec
    from budgetmlagent.money.ledger import Account, Ledger
    from memory.artifacts import Artifacts
    from memory.state import NANO
    from nodes.deps import Here

    spec = ModelSpec(name="m", base_url=url, model=MODEL, price={"input": 0, "output": 10})  # type: ignore[arg-type]
    book = Ledger(folder / "ledger.sqlite")
    book.open_run("r", round(CALLS * USD * NANO))
    models = ModelClient({"m": spec}, Account(book, "r"), Artifacts(folder / "artifacts"))

    steps = count(1)

    def loop() -> None:
        fault = ""
        while not fault:
            here = Here(node="agent", model="m", step=next(steps))
            fault = models.ask(here, [{"role": "user", "content": "begin"}], max_tokens=TOKENS).fault

    at_once(loops, loop)


def at_once(loops: int, loop: Callable[[], Any]) -> None:
    """Run `loops` loops in threads."""
    with ThreadPoolExecutor(loops) as pool:
        for done in [pool.submit(loop) for _ in range(loops)]:
            done.result()


LIMITS = (middleware, requests, dollars, recursion, ledger)


def counted(limit: Callable[..., None], loops: int, processes: int = 1) -> str:
    """Run a limit's loops in new processes, one after the other; return the requests that the server counted."""
    reply = Turn("word " * 80, tokens_in=0, tokens_out=TOKENS, delay=0.2)
    with tempfile.TemporaryDirectory() as folder, FaultServer(respond=lambda body: reply) as server:
        server.RequestHandlerClass = _Looping
        for _ in range(processes):
            command = [sys.executable, __file__, "--limit", limit.__name__, server.url, folder, str(loops)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                return done.stderr.strip().splitlines()[-1]
        sent = len(server.requests)
    return f"{sent} ({sent / CALLS:.1f}x)" if sent > CALLS else str(sent)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--limit", nargs=4, help=argparse.SUPPRESS)
    chosen = parser.parse_args().limit
    if chosen:
        name, url, folder, loops = chosen
        next(limit for limit in LIMITS if limit.__name__ == name)(url, Path(folder), int(loops))
        return
    print("| limit | alone | eight at once | alone, again in a new process |\n| --- | --- | --- | --- |")
    for limit in LIMITS:
        cells = [counted(limit, 1), counted(limit, LOOPS), counted(limit, 1, processes=2)]
        print(f"| {(limit.__doc__ or '').strip().rstrip('.')} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
