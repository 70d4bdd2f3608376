"""Pictures of Mermaid text, made on this machine: Mermaid itself, in an engine within this process, without a browser."""

import hashlib
import re
from collections.abc import Iterator
from functools import lru_cache
from html import escape
from itertools import chain, repeat
from typing import Any

from graphs.drawing.mermaid import TITLE, mermaid, outline
from graphs.model import Graph

# The library measures and paints with the first, which it brings along; the others are no wider.
FONT = '"DejaVu Sans", Verdana, Arial, sans-serif'
# A picture is drawn in dark ink on white; on a page that says it is dark, light and dark change places and hues stay.
STYLE = """
.budgetml-pic{background:#fff;color:#1f2328;border-radius:8px;padding:8px;margin:6px 0;overflow:auto}
.budgetml-pic svg{display:block;margin:auto}
:is([data-jp-theme-light=false],.vscode-dark) .budgetml-pic{filter:invert(.9) hue-rotate(180deg)}
"""
# A picture of that width, and beside it a box to tick, which is there where a page has less room.
LARGE = """
.budgetml-wide{container-type:inline-size}
.budgetml-wide label{font:12px system-ui,sans-serif;cursor:pointer}
.of-WIDTH:has(:checked) .budgetml-pic{max-height:85vh}
.of-WIDTH:has(:checked) svg{width:WIDTHpx}
@container (min-width:ROOMpx){.of-WIDTH label{display:none}}
"""
EDGES = 16  # pixels that a picture's frame takes of its width
ITS_ID = "my-svg"
ARROW = re.compile(r'(<path [^>]*data-edge="true"[^>]*)/>')


class PictureError(Exception):
    """No picture can be made: the library for it is not installed, or the text is not Mermaid's."""


def svg(text: str) -> str:
    """Return the picture of Mermaid text as SVG that asks nothing of the network; arrows say on hover all that they are.

    Raises PictureError.
    """
    # Styles and arrow heads are found by this id: two pictures on one page need two.
    own = "graph-" + hashlib.sha256(text.encode()).hexdigest()[:12]
    # As cells, labels that a browser's font makes narrower than measured would stand left in their boxes.
    made = str(_drawn(text).svg()).replace(ITS_ID, own).replace("display: table-cell", "display: block")
    titles = chain(_titles(text), repeat(""))
    return ARROW.sub(lambda m: f"{m[1]}><title>{escape(next(titles))}</title></path>", made)


def framed(picture: str) -> str:
    """Return an SVG picture of `svg` in a frame for a page, whose width it fits.

    Where that makes it smaller there is a box to tick: then it has the size at which it was drawn, and scrolls within its frame.
    """
    wide = _width(picture)
    style = LARGE.replace("WIDTH", str(wide)).replace("ROOM", str(wide + EDGES))
    box = '<label><input type="checkbox"/> at full size: it scrolls within its frame</label>'
    return (
        f'<div class="budgetml-wide of-{wide}"><style>{STYLE}{style}</style>{box}'
        f'<div class="budgetml-pic">{picture}</div></div>'
    )


def _width(picture: str) -> int:
    """Return the width in pixels at which an SVG picture was drawn; 0 where it does not say."""
    box = re.search(r'viewBox="\S+ \S+ (\d+)', picture)
    return int(box[1]) if box else 0


def readable(picture: str) -> str:
    """Return an SVG picture at the size at which it was drawn: one that is made to fit a page is too small to read."""
    wide = _width(picture)
    return picture.replace('width="100%"', f'width="{wide}"', 1) if wide else picture


def _titles(text: str) -> Iterator[str]:
    """Yield for each arrow of Mermaid text what the comment above its line says, "" where there is none."""
    title = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith(TITLE):
            title = re.sub(r"#(\d+);", lambda m: chr(int(m[1])), line.removeprefix(TITLE))
            continue
        links = len(re.findall(r" (?:-->|--x|-\.->)(?= |\|)", line))
        yield from [title] * links
        title = ""


def png(text: str, scale: float = 2.0) -> bytes:
    """Return the picture of Mermaid text as PNG, on white. Raises PictureError."""
    return bytes(_drawn(text).png(scale=scale, background="#ffffff"))


def bundle(spec: Graph) -> dict[str, str]:
    """Return what a notebook may show of a graph, by MIME type; the picture, in a frame, where it can be made."""
    text = mermaid(spec)
    shown = {"text/plain": outline(spec), "text/vnd.mermaid": text}
    try:
        return shown | {"text/html": framed(svg(text))}
    except PictureError:
        return shown


@lru_cache(maxsize=64)
def _drawn(text: str) -> Any:
    """Lay the text out, which takes about a second, once for all formats."""
    try:
        import mermaidx
    except ImportError:
        raise PictureError("pictures need mermaidx: pip install 'budgetmlagent[draw]'") from None
    # With a seed the outlines of round boxes, which it draws by chance, are the same bytes each time.
    drawn = mermaidx.render(text, config={"fontFamily": FONT, "handDrawnSeed": 1})
    try:
        drawn.svg()
    except RuntimeError as error:
        raise PictureError(f"Mermaid cannot draw this: {' '.join(str(error).split())[:200]}") from None
    return drawn
