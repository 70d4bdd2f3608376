"""Ideas of other runs that a run is offered: of its very task, and of the tasks nearest to it."""

from memory.briefing import Briefing
from memory.elsewhere import Ask
from memory.ranking import Found

NEAR = 3  # tasks whose ideas are offered
OF_A_TASK = 40  # items of ideas that are read of each: what was proposed, and what came of it


def neighbours(task: str, facts: Briefing, ask: Ask) -> list[Found]:
    """Return the ideas of this very task in other runs and of the nearest of the same kinds, with the task's similarity.

    How near a task is, is told by how alike the data are told.
    """
    kinds, near = set(facts.get("kinds", [])), dict[str, float]()
    for _, item, similarity in ask.near(facts.get("summary", ""), "idea", (None,)):
        other = item.get("task", "")
        alike = "unknown" not in kinds and set(item.get("kinds", [])) == kinds
        if other == task or alike:
            near[other] = 1.0 if other == task else max(similarity, near.get(other, -1.0))
    nearest = dict(sorted(near.items(), key=lambda one: (-one[1], one[0]))[:NEAR])
    hits = [hit for other in nearest for hit in ask.having("idea", {"task": other}, OF_A_TASK)]
    return [(name, item, nearest[item["task"]]) for name, item, _ in hits]
