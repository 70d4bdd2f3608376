"""Where the names of points stand in a picture: beside them, where neither another name nor a point is."""

from collections.abc import Iterable, Sequence

from budgetmlagent.bench.axes import BOTTOM, HEIGHT, LEFT, RIGHT, WIDTH
from budgetmlagent.foreign import visible

LETTER, TALL, AWAY = 6.6, 14.0, 4.0  # units of the picture: of a letter, of a line of text, and from a mark
LINES = (0, 1, -1, 2, -2, 3, -3)  # the nearest first
Label = tuple[float, float, str, str]  # where a text stands, what of it is there (start, end), and the text
Box = tuple[float, float, float, float]  # left, top, right, bottom


def placed(marks: Sequence[tuple[str, float, float, float]], lines: Sequence[int] = LINES) -> list[Label]:
    """Return the names that have room, each beside its mark (name, x, y, radius), or so many `lines` below."""
    taken: list[Box] = [(x - half, y - half, x + half, y + half) for _, x, y, half in marks]
    found = []
    for name, x, y, radius in marks:
        for at, height, anchor in _around(x, y, radius + AWAY, lines):
            box = _box(at, height, anchor, len(visible(name)))
            if _inside(box) and not any(_meet(box, other) for other in taken):
                taken.append(box)
                found.append((round(at, 1), round(height, 1), anchor, name))
                break
    return found


def _around(x: float, y: float, away: float, lines: Sequence[int]) -> Iterable[tuple[float, float, str]]:
    """Yield places for a text, the nearest first: where it begins or ends, its line, and which of both."""
    for below in lines:
        yield x + away, y + 4 + below * TALL, "start"
        yield x - away, y + 4 + below * TALL, "end"


def _box(x: float, y: float, anchor: str, letters: int) -> Box:
    left = x if anchor == "start" else x - letters * LETTER
    return left, y - TALL + 3, left + letters * LETTER, y + 3


def _inside(box: Box) -> bool:
    return box[0] >= LEFT and box[2] <= WIDTH - RIGHT and box[1] >= 0 and box[3] <= HEIGHT - BOTTOM


def _meet(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
