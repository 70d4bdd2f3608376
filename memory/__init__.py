"""Floor 0: working memory (state), files by hash (artifacts) and long-term memory (history, cases).

What a node reads and writes stands here: the state's types, and how attempts are read. The stores reach it by `Deps`.
"""

from memory.attempts import Attempt, Execution, Score, best_script, briefing, chain, line, recalled
from memory.state import NANO, Best, Fault, Plan, Recalled, Route, Run, RunState, Shared, Task

__all__ = [
    "NANO", "Attempt", "Best", "Execution", "Fault", "Plan", "Recalled", "Route", "Run", "RunState", "Score", "Shared", "Task",
    "best_script", "briefing", "chain", "line", "recalled",
]  # fmt: skip
