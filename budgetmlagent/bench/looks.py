"""How a setting looks in a bench's pictures, by its place in the table: thirty of them differ."""

COLOURS = (
    "#0969da", "#bc4c00", "#1a7f37", "#8250df", "#bf3989", "#8b949e", "#d4a72c", "#0a9396", "#cf222e", "#7d5a3c",
)  # fmt: skip
MARKS = (
    "M-5,0a5,5 0 1,0 10,0a5,5 0 1,0 -10,0z",
    "M-4.5,-4.5h9v9h-9z",
    "M0,-6l6,6l-6,6l-6,-6z",
)  # a disc, a square and a diamond, around nothing
DASHES = ("none", "9 5", "2 4", "14 4 2 4", "5 3", "9 3 2 3 2 3")


def colour_of(number: int) -> str:
    """Return the colour of a setting."""
    return COLOURS[number % len(COLOURS)]


def mark_of(number: int) -> str:
    """Return the mark of a setting as an SVG path, ten units wide."""
    return MARKS[number % len(MARKS)]


def dash_of(number: int) -> str:
    """Return the dashes of a setting's line: where it lies on another one, that shows between them."""
    return DASHES[number % len(DASHES)]
