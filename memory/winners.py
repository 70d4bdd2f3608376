"""Scripts with which other runs won on data of the same shape, which a run is offered before the bank's cases."""

from memory.briefing import Briefing
from memory.elsewhere import Elsewhere
from memory.items import Item
from memory.ranking import Found, first
from memory.scores import worth

WINNERS = 3  # when the best have not won here, the rest will not


def winners(facts: Briefing, signature: str, direction: str, elsewhere: Elsewhere) -> list[Found]:
    """Return them, the nearest task's best first: of a run and of a script's name one each.

    `signature` is what must be equal for a script of another task to run on data with these `facts`.
    """
    hits = elsewhere.near(facts.get("summary", ""), "case", [{"signature": signature}])
    kinds = set(facts.get("kinds", []))
    hits = [hit for hit in hits if set(hit[1].get("kinds", [])) == kinds and _won(hit[1])]
    nearness: dict[str, float] = {}
    for _, item, similarity in hits:  # scores compare within a task only
        nearness[item["task"]] = max(similarity, nearness.get(item["task"], -1.0))

    def order(hit: Found) -> tuple[float, str, float, str]:
        task, score = hit[1]["task"], hit[1]["score"]
        return -nearness[task], task, -worth(score, direction), hit[0]

    return first(first(sorted(hits, key=order), "run"), "name")[:WINNERS]


def _won(item: Item) -> bool:
    """Whether it says on which task it won, with which score; a stranger's may not."""
    return isinstance(item.get("score"), int | float) and isinstance(item.get("task"), str)
