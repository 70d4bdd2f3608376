"""A bench as one HTML page that needs no script and no network. Whatever is told is escaped."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from budgetmlagent.bench.axes import HEIGHT, WIDTH
from budgetmlagent.bench.curves import curves
from budgetmlagent.bench.picture import picture
from budgetmlagent.bench.summary import compared, starved, summed, way
from budgetmlagent.bench.words import Names, interval, minutes, number, starved_in_words
from budgetmlagent.foreign import visible
from budgetmlagent.templating import environment

TEMPLATES = Path(__file__).parent / "templates"


def page(rows: Sequence[dict[str, Any]], bench: Path | None = None) -> str:
    """Return report.html of a bench's rows; `bench` is its folder, in which the runs are looked for first."""
    summary = summed(rows)
    called = Names.of(rows)
    ways = [(one["graph"], one["models_file"]) for one in summary]
    names = [called.setting(which) for which in ways]
    pairs = [
        pair | {"names": [called.setting(pair["first"]), called.setting(pair["second"])]}
        for pair in compared(rows)
    ]
    return (
        environment(TEMPLATES, html=True)
        .get_template("report.html.jinja")
        .render(
            settings=list(zip(names, summary, strict=True)),
            starved_in_words=starved_in_words(summary),
            pairs=pairs,
            rows=[
                row | {"setting": called.setting(way(row)), "task": called.task(row), "starved": starved(row)}
                for row in rows
            ],
            picture=picture(summary, names),
            curves=curves(rows, dict(zip(ways, names, strict=True)), bench),
            width=WIDTH,
            height=HEIGHT,
            interval=interval,
            minutes=minutes,
            number=number,
            shown=lambda value: visible(str(value)),
        )
    )
