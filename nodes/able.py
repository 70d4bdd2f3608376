"""What a model can do: by it a node decides what to ask of the model, and in which form."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Able:
    """What a model can do, by its profile or by a careful guess; as it stands here, the weakest."""

    plans: Literal["menu", "free"] = "menu"  # whether it chooses from a list, or may say freely what to do
    lines: int = 20  # the longest script that it writes whole and right; 0: none
    edits: bool = False  # whether it changes a script by search and replace
    window: int = 8_192  # tokens of prompt and reply together

    @property
    def is_free(self) -> bool:
        """Whether it may say freely what to do, and is told all that there is to know for that."""
        return self.plans == "free"


WEAKEST = Able()
