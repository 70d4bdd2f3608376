"""Pictures of Mermaid text, made on this machine: Mermaid itself, in an engine within this process, without a browser."""

import hashlib
from functools import lru_cache
from typing import Any

from graphs.drawing.mermaid import mermaid, outline
from graphs.model import Graph

# The library measures and paints with the first, which it brings along; the others are no wider.
FONT = '"DejaVu Sans", Verdana, Arial, sans-serif'
ITS_ID = "my-svg"


class PictureError(Exception):
    """No picture can be made: the library for it is not installed, or the text is not Mermaid's."""


def svg(text: str) -> str:
    """Return the picture of Mermaid text as SVG that asks nothing of the network. Raises PictureError."""
    # Styles and arrow heads are found by this id: two pictures on one page need two.
    own = "graph-" + hashlib.sha256(text.encode()).hexdigest()[:12]
    # As cells, labels that a browser's font makes narrower than measured would stand left in their boxes.
    return str(_drawn(text).svg()).replace(ITS_ID, own).replace("display: table-cell", "display: block")


def png(text: str, scale: float = 2.0) -> bytes:
    """Return the picture of Mermaid text as PNG, on white. Raises PictureError."""
    return bytes(_drawn(text).png(scale=scale, background="#ffffff"))


def bundle(spec: Graph) -> dict[str, str]:
    """Return what a notebook may show of a graph, by MIME type; SVG only where it can be made."""
    text = mermaid(spec)
    shown = {"text/plain": outline(spec), "text/vnd.mermaid": text}
    try:
        return shown | {"image/svg+xml": svg(text)}
    except PictureError:
        return shown


@lru_cache(maxsize=16)
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
