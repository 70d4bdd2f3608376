"""The exercises: YAML files of `exercises/`, each a few variants of one question, with what a right answer must be.

They are general practice of machine learning over two small tables, and name no task. A change of them, or of how they are
judged, makes another `VERSION` of the set.
"""

from functools import cache
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from budgetmlagent.models.profiles import ROLES
from memory import yaml_text
from nodes.deps import Message

FOLDER = Path(__file__).with_name("exercises")


class Variant(BaseModel):
    """One question."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ask: str
    answer: str
    """A right answer, which tests give: no model sees it."""
    files: tuple[str, ...] = ()
    """Tables in the folder in which the script runs."""
    script: str = ""
    """What is changed by search and replace."""
    results: dict[str, float] = {}
    """What a right script prints, by name."""
    actions: tuple[str, ...] = ()
    cases: tuple[str, ...] = ()
    sensible: dict[str, tuple[str, ...]] = {}
    """Of the fields of a choice, the values that make sense."""
    names: tuple[str, ...] = ()
    """Of which an instruction must hold one, in any case of letters: it says something concrete then."""


class Exercise(BaseModel):
    """One thing that a role has to be able to do."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    role: Literal["planner", "coder", "expert"]
    judged: Literal["choice", "plan", "script", "edit", "ideas"]
    tokens: int = Field(ge=1)
    """Room for an answer."""
    lines: int = 0
    """Of the script that is asked for, where its length is what is exercised."""
    system: str
    variants: tuple[Variant, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _has_its_role(self) -> Self:
        if ROLES.get(self.name) != self.role:
            raise ValueError(f"{self.name}: no exercise of a {self.role}")
        return self

    def variant(self, number: int) -> Variant:
        """The question of a round, from 0."""
        return self.variants[number % len(self.variants)]

    def messages(self, variant: Variant) -> list[Message]:
        """What is sent."""
        return [{"role": "system", "content": self.system}, {"role": "user", "content": variant.ask}]

    def form(self, variant: Variant) -> dict[str, Any] | None:
        """The form of an answer that is JSON; None for one in words or code."""
        text: dict[str, Any] = {"type": "string"}
        action: dict[str, Any] = {"type": "string", "enum": list(variant.actions)}
        if self.judged == "choice":
            case = {"type": "string", "enum": [*variant.cases, ""]}
            fields = {"action": action, "case": case, "instruction": text}
        elif self.judged == "plan":
            fields = {"action": action, "instruction": text, "why": text}
        else:
            return None
        return {
            "type": "object",
            "properties": fields,
            "required": list(fields),
            "additionalProperties": False,
        }


@cache
def exercises() -> tuple[Exercise, ...]:
    """Return all, in the order in which they are asked: what is short first."""
    found = {path.stem: _read(path) for path in FOLDER.glob("*.yaml")}
    return tuple(found[name] for name in ROLES)


def _read(path: Path) -> Exercise:
    return Exercise.model_validate(yaml_text.load(path.read_text("utf-8"), "safe")[1])
