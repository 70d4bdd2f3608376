"""A text within so many characters."""


def within(text: str, most: int, note: str = "...") -> str:
    """Return a text, or its beginning and the `note` that something was cut, in `most` characters where the note fits."""
    return text if len(text) <= most else text[: max(0, most - len(note))] + note
