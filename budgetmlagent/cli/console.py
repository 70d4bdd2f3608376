"""The terminal as rich writes to it: styles and cursor are rich's own, every text is made visible."""

from collections.abc import Iterable
from typing import Any

from rich import console
from rich.segment import Segment

from budgetmlagent.foreign import visible


class Console(console.Console):
    """A console of which no text that is printed can command the terminal."""

    @property
    def file(self) -> Any:
        """Where it writes: what rich puts before standard error while a status is shown would hand it to our own guard."""
        file = super().file
        return getattr(file, "rich_proxied_file", file)

    @file.setter
    def file(self, new: Any) -> None:
        self._file = new

    def on_broken_pipe(self) -> None:
        """Let whoever prints decide; rich would end the process."""
        raise BrokenPipeError

    def render(self, *given: Any, **options: Any) -> Iterable[Segment]:
        """Render anything: rich's own controls stay, those in texts become escapes that can be read."""
        for text, style, control in super().render(*given, **options):
            yield Segment(text if control else visible(text), style, control)
