"""How files are written from templates: Jinja2 over a folder, where an unknown name is an error."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment


def environment(folder: Path, *, html: bool = False) -> "Environment":
    """Return the templates of `folder`; with `html` every value is escaped, else what they write is plain text."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        autoescape=html,  # noqa: S701  # only HTML is escaped
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
