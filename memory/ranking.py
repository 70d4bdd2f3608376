"""Which of the remembered items comes first: exact agreement, then similarity, then measured gain, then the newest.

Pure: an order of what was found, by nothing but what is stored.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Found = tuple[str, dict[str, Any], float]  # id, content, cosine similarity
Tally = tuple[int, int]  # how often an item was offered, and after how many of these a new best came

STEP = 0.05  # of similarity: what is nearer by less counts as equally near
SHARED = 0.5  # weight of the names in common: an embedding of words knows few names of classes
NAME = re.compile(r"[A-Za-z]\w*[A-Z_]\w*|\w*\d\w*")  # LGBMRegressor, max_iter, 300


@dataclass(frozen=True)
class Wanted:
    """What is looked for. What is empty agrees with nothing."""

    text: str
    kinds: frozenset[str] = frozenset()
    signature: str = ""
    metric: str = ""
    error: str = ""


def exactness(wanted: Wanted, item: Mapping[str, Any]) -> int:
    """Return how well an item agrees by code: 3 by error, 2 by signature, 1 by kinds and metric, else 0."""
    if wanted.error and item.get("error") == wanted.error:
        return 3
    if wanted.signature and item.get("signature") == wanted.signature:
        return 2
    kinds = item.get("kinds")
    alike = isinstance(kinds, list) and wanted.kinds and wanted.kinds == {str(kind) for kind in kinds}
    return 1 if alike and item.get("metric") in (None, wanted.metric) else 0


def trust(tally: Tally) -> float:
    """Return what is left of an item's weight: 1 until it was offered in vain, towards 0.5 the more often that was."""
    offered, helped = tally
    return min(1.0, 0.5 + (1 + helped) / (2 + offered))


def nearness(wanted: Wanted, item: Mapping[str, Any], similarity: float) -> float:
    """Return the cosine similarity, with the share of the wanted names that the item's text has, too."""
    names = set(NAME.findall(wanted.text))
    there = names & set(NAME.findall(str(item.get("text", ""))))
    return similarity + (SHARED * len(there) / len(names) if names else 0.0)


def hybrid(
    wanted: Wanted, found: Sequence[Found], gains: Mapping[str, float], tallies: Mapping[str, Tally]
) -> list[Found]:
    """Return the hits in order, the best first; `gains` and `tallies` are by id, and may lack an item."""

    def order(hit: Found) -> tuple[float, float, float, str, str]:
        name, item, similarity = hit
        near = nearness(wanted, item, similarity) * trust(tallies.get(name, (0, 0)))
        level = exactness(wanted, item)
        return -level, -round(near / STEP), -gains.get(name, 0.0), newest_first(item), name

    return sorted(found, key=order)


def newest_first(item: Mapping[str, Any]) -> str:
    """Return a key that sorts later runs first; a run's name tells when it began."""
    date = re.search(r"\d{8}-\d{6}", str(item.get("run", "")))
    return "".join(chr(ord("9") - int(c) + ord("0")) for c in date[0].replace("-", "")) if date else "~"


def first(found: Sequence[Found], field: str) -> list[Found]:
    """Leave out items whose `field` an earlier one has too."""
    firsts: dict[Any, Found] = {}
    for hit in found:
        firsts.setdefault(hit[1].get(field), hit)
    return list(firsts.values())


def once(found: Sequence[Found]) -> list[Found]:
    """Leave out items that were there before."""
    return list({hit[0]: hit for hit in reversed(found)}.values())[::-1]
