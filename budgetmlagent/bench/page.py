"""A bench as one HTML page that needs no script and no network. Whatever is told is escaped."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from budgetmlagent.bench.axes import HEIGHT, WIDTH
from budgetmlagent.bench.curves import curves
from budgetmlagent.bench.picture import picture
from budgetmlagent.bench.summary import compared, summed
from budgetmlagent.bench.words import interval, minutes, number, setting
from budgetmlagent.foreign import visible
from budgetmlagent.templating import environment

TEMPLATES = Path(__file__).parent / "templates"


def page(rows: Sequence[dict[str, Any]]) -> str:
    """Return report.html of a bench's rows."""
    summary = summed(rows)
    names = [setting(one["graph"], one["models_file"]) for one in summary]
    pairs = [pair | {"names": [setting(*pair["first"]), setting(*pair["second"])]} for pair in compared(rows)]
    return (
        environment(TEMPLATES, html=True)
        .get_template("report.html.jinja")
        .render(
            settings=list(zip(names, summary, strict=True)),
            pairs=pairs,
            rows=[row | {"setting": setting(row["graph"], row["models_file"])} for row in rows],
            picture=picture(summary, names),
            curves=curves(
                rows,
                {(one["graph"], one["models_file"]): name for one, name in zip(summary, names, strict=True)},
            ),
            width=WIDTH,
            height=HEIGHT,
            interval=interval,
            minutes=minutes,
            number=number,
            shown=lambda value: visible(str(value)),
        )
    )
