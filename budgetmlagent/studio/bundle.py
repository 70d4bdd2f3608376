"""The page's files, as they were built from `ui/`."""

from pathlib import Path

from budgetmlagent.errors import UnavailableError

STATIC = Path(__file__).parent / "static"
NAMES = ("index.html", "app.js", "app.css")


def bundle(folder: Path = STATIC) -> dict[str, bytes]:
    """Return the page's files by name. Raises UnavailableError where they are not there."""
    try:
        return {name: (folder / name).read_bytes() for name in NAMES}
    except OSError as error:
        missing = Path(str(error.filename)).name
        raise UnavailableError(
            f"the studio's page is not installed ({missing} is missing): `make ui` builds it; a wheel of budgetmlagent has it"
        ) from None
